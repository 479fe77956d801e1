/** Which packages of the workspace the packages at a path may depend on. */
export interface PackageRule {
  /** `services/*`: any package there. */
  readonly packages: string
  /** `$` stands for the name after the `/` of the package's path. */
  readonly mayUse: readonly string[]
}

/**
 * The rooms of a package, each with the rooms that its files may import. A room is a folder without those below it, `.`
 * for the package's own, or a single file that all rooms of its folder may need: `src/errors.ts`.
 */
export type RoomRules = Readonly<Record<string, readonly string[]>>

/** Where an npm package may be imported, outside of tests and measurements. */
export interface NpmRule {
  /** Holds for `drizzle-orm/pg-core` too where it is `drizzle-orm`. */
  readonly name: string
  /** Folders, from the root, with all that is below them. */
  readonly onlyIn: readonly string[]
  /** Whether type-only imports are allowed everywhere. Default false. */
  readonly typesAnywhere?: boolean
}

/** Everything that `checkBoundaries` compares a workspace with. */
export interface BoundaryRules {
  /** A package in no row may use no other package of the workspace. */
  readonly packages: readonly PackageRule[]
  /** What tests, and the helpers they import, may use as well, in every package. */
  readonly testsMayUse: readonly string[]
  /** By the package's path. Every folder with code that is not for tests is a room and has a rule. */
  readonly rooms: Readonly<Record<string, RoomRules>>
  readonly npm: readonly NpmRule[]
  /** Paths of packages that depend on nothing: only modules that begin with `node:` and their own files. */
  readonly standalone: readonly string[]
}

/** The rules of this repository. Imports point one way. */
export const boundaryRules: BoundaryRules = {
  packages: [
    {
      packages: 'services/*',
      mayUse: ['@shared/service', '@shared/env', '@shared/monitor', '@shared/database', '@schema/$'],
    },
    { packages: 'shared/database', mayUse: ['@shared/pool'] },
    { packages: 'shared/monitor', mayUse: ['@shared/database', '@shared/pool'] },
    { packages: 'shared/console', mayUse: ['@shared/monitor'] },
    { packages: 'shared/telemetry', mayUse: ['@shared/database'] },
    { packages: 'shared/service', mayUse: ['@shared/telemetry', '@shared/monitor', '@shared/database'] },
    { packages: 'shared/env', mayUse: ['@shared/database'] },
    {
      packages: 'shared/cli',
      mayUse: ['@shared/console', '@shared/database', '@shared/env', '@shared/monitor', '@shared/postgres'],
    },
  ],
  testsMayUse: [
    '@shared/postgres',
    '@shared/telemetry',
    '@shared/service',
    '@shared/env',
    '@shared/monitor',
    '@shared/database',
    '@shared/pool',
  ],
  rooms: {
    'shared/cli': {
      '.': ['src', 'src/command-line', 'src/workspace'],
      src: ['src/commands', 'src/command-line'],
      'src/commands': [
        'src/commands/database',
        'src/commands/measure',
        'src/checks',
        'src/new-service',
        'src/doctor',
        'src/running',
        'src/options',
        'src/pack',
        'src/reports',
        'src/databases',
        'src/workspace',
        'src/terminal',
        'src/command-line',
      ],
      'src/commands/database': ['src/databases', 'src/workspace', 'src/command-line'],
      'src/commands/measure': ['src/workspace', 'src/command-line'],
      'src/checks': ['src/workspace', 'src/terminal', 'src/command-line'],
      'src/new-service': ['src/compose', 'src/databases', 'src/workspace', 'src/command-line'],
      'src/doctor': ['src/databases', 'src/workspace', 'src/command-line'],
      'src/compose': ['src/databases', 'src/workspace'],
      'src/deploy': ['src/workspace'],
      'src/running': ['src/reports', 'src/databases', 'src/workspace', 'src/terminal', 'src/command-line'],
      'src/reports': ['src/workspace', 'src/terminal', 'src/command-line'],
      'src/databases': ['src/workspace', 'src/terminal', 'src/command-line'],
      'src/workspace': ['src/command-line'],
      'src/options': ['src/workspace'],
      'src/pack': ['src/checks', 'src/workspace'],
      'src/terminal': [],
      'src/command-line': [],
    },
    'shared/database': {
      src: [
        'src/migrate',
        'src/database.ts',
        'src/database-api.ts',
        'src/drizzle',
        'src/drizzle/client.ts',
        'src/uses',
        'src/uses/copy',
        'src/uses/listen',
        'src/uses/settings',
        'src/uses/stream',
        'src/replicas',
        'src/hooks',
        'src/session',
        'src/tracing',
        'src/connection/hosts',
        'src/connection/ceiling',
        'src/connection',
        'src/connection/connection-string',
        'src/connection/network',
        'src/connection/host.ts',
        'src/event-log.ts',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/migrate': [
        'src/database.ts',
        'src/call-arguments.ts',
        'src/drizzle',
        'src/connection',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/settings.ts': [
        'src/database-api.ts',
        'src/drizzle',
        'src/hot-reload.ts',
        'src/replicas',
        'src/connection',
        'src/options.ts',
      ],
      'src/database.ts': [
        'src/settings.ts',
        'src/database-api.ts',
        'src/drizzle',
        'src/drizzle/client.ts',
        'src/handles.ts',
        'src/hot-reload.ts',
        'src/watches.ts',
        'src/uses',
        'src/uses/listen',
        'src/call-arguments.ts',
        'src/replicas',
        'src/hooks',
        'src/session',
        'src/tracing',
        'src/connection/postgres-js',
        'src/connection/hosts',
        'src/connection/ceiling',
        'src/connection',
        'src/event-log.ts',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/uses': [
        'src/uses/copy',
        'src/uses/listen',
        'src/uses/settings',
        'src/uses/stream',
        'src/call-arguments.ts',
        'src/drizzle',
        'src/session',
        'src/tracing',
        'src/connection',
      ],
      'src/uses/copy': ['src/uses/stream', 'src/drizzle', 'src/session', 'src/connection', 'src/errors.ts'],
      'src/uses/listen': [
        'src/session',
        'src/tracing',
        'src/connection/hosts',
        'src/connection',
        'src/event-log.ts',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/uses/settings': [],
      'src/uses/stream': ['src/drizzle', 'src/session', 'src/connection', 'src/tracing', 'src/errors.ts'],
      'src/watches.ts': ['src/connection/hosts', 'src/connection'],
      'src/hot-reload.ts': ['src/connection'],
      'src/handles.ts': [
        'src/drizzle',
        'src/drizzle/client.ts',
        'src/session',
        'src/tracing',
        'src/connection',
      ],
      'src/hooks': ['src/session', 'src/connection'],
      'src/replicas': [
        'src/hooks',
        'src/session',
        'src/tracing',
        'src/connection/hosts',
        'src/connection',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/database-api.ts': [
        'src/hot-reload.ts',
        'src/uses',
        'src/hooks',
        'src/tracing',
        'src/replicas',
        'src/drizzle',
        'src/session',
        'src/connection/hosts',
        'src/connection/ceiling',
        'src/connection',
        'src/event-log.ts',
        'src/options.ts',
      ],
      'src/drizzle': ['src/drizzle/faster-0.45', 'src/drizzle/client.ts'],
      'src/drizzle/faster-0.45': ['src/drizzle/client.ts', 'src/connection'],
      'src/drizzle/client.ts': ['src/drizzle/client-lacks.ts', 'src/connection'],
      'src/drizzle/client-lacks.ts': [],
      'src/session': ['src/session/sql-lexer.ts', 'src/tracing', 'src/connection', 'src/errors.ts'],
      'src/tracing': [
        'src/session/sql-lexer.ts',
        'src/connection',
        'src/connection/host.ts',
        'src/errors.ts',
      ],
      'src/session/sql-lexer.ts': [],
      'src/connection/hosts': ['src/connection', 'src/options.ts', 'src/errors.ts'],
      'src/connection/ceiling': ['src/connection', 'src/errors.ts'],
      'src/connection/postgres-js': [
        'src/connection/login',
        'src/connection/network',
        'src/connection',
        'src/connection/host.ts',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/connection/login': [
        'src/connection',
        'src/connection/connection-string',
        'src/connection/host.ts',
        'src/options.ts',
      ],
      'src/connection/network': [
        'src/connection/connection-string',
        'src/connection/host.ts',
        'src/options.ts',
      ],
      'src/connection': [
        'src/connection/connection-string',
        'src/connection/host.ts',
        'src/options.ts',
        'src/errors.ts',
      ],
      'src/connection/connection-string': ['src/connection/host.ts', 'src/options.ts'],
      'src/connection/host.ts': [],
      'src/event-log.ts': ['src/errors.ts'],
      'src/call-arguments.ts': [],
      'src/options.ts': [],
      'src/errors.ts': [],
    },
    'shared/service': {
      src: [
        'src/api',
        'src/serve',
        'src/trace',
        'src/metrics',
        'src/http',
        'src/health',
        'src/context',
        'src/log',
        'src/idempotency',
        'src/sessions',
        'src/problem',
      ],
      'src/sessions': ['src/http', 'src/trace', 'src/problem'],
      'src/idempotency': ['src/problem'],
      'src/problem': [],
      'src/log': ['src/problem'],
      'src/context': ['src/log'],
      'src/health': ['src/context', 'src/problem'],
      'src/http': ['src/health', 'src/context', 'src/log', 'src/problem'],
      'src/metrics': ['src/health', 'src/context'],
      'src/api': ['src/http', 'src/health', 'src/context', 'src/problem'],
      'src/trace': ['src/health', 'src/context', 'src/log', 'src/problem'],
      'src/serve': ['src/trace', 'src/http', 'src/health', 'src/context', 'src/log'],
    },
    'shared/monitor': {
      src: ['src/advice', 'src/incidents', 'src/samples', 'src/server'],
      'src/explain': ['src/advice', 'src/incidents', 'src/explain/duration.ts'],
      'src/advice': ['src/incidents', 'src/samples', 'src/server'],
      'src/incidents': ['src/samples', 'src/server', 'src/explain/duration.ts'],
      'src/explain/duration.ts': [],
      'src/samples': ['src/server'],
      'src/server': [],
    },
  },
  npm: [
    { name: 'postgres', onlyIn: ['shared/database/src/connection/postgres-js', 'shared/postgres/src'] },
    {
      name: 'drizzle-orm',
      onlyIn: ['shared/database/src', 'shared/service/src/idempotency', 'services', 'drizzle'],
      typesAnywhere: true,
    },
  ],
  standalone: ['shared/pool'],
}
