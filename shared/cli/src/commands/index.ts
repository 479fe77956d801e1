import type { Command } from '../command-line/command.ts'
import type { CommandGroups } from '../command-line/help.ts'

interface Entry {
  readonly summary: string
  /** Loads the command's module, so that a command loads its own imports only. */
  readonly load: () => Promise<{ readonly command: Command }>
}

/** Every command by name, in the order of the overview. */
export const commands: Readonly<Record<string, Entry>> = {
  dev: {
    summary: 'Start the services with a local PostgreSQL, and restart them when files change.',
    load: () => import('./dev.ts'),
  },
  start: {
    summary: 'Start the services in production mode, from their own environment.',
    load: () => import('./start.ts'),
  },
  test: { summary: 'Run the tests against a real PostgreSQL.', load: () => import('./test.ts') },
  doctor: {
    summary: 'Say what works, and what to change with which commands.',
    load: () => import('./doctor.ts'),
  },
  'test:browser': {
    summary: 'Test the console in a real browser.',
    load: () => import('./test-browser.ts'),
  },
  check: { summary: 'Check types, lint, format and imports.', load: () => import('./check.ts') },
  connections: {
    summary: 'Connect to the database of every service and report what failed.',
    load: () => import('./connections.ts'),
  },
  health: { summary: 'Show the health of the running services.', load: () => import('./health.ts') },
  status: {
    summary: 'Show the connection pools of the running services.',
    load: () => import('./status.ts'),
  },
  console: {
    summary: 'Serve a web page with the connection pools of the running services.',
    load: () => import('./console.ts'),
  },
  'db:start': {
    summary: 'Start the local PostgreSQL and leave it running.',
    load: () => import('./database/start.ts'),
  },
  'db:stop': { summary: 'Stop the local PostgreSQL.', load: () => import('./database/stop.ts') },
  'db:failover': {
    summary: 'Promote a standby of the local PostgreSQL, while everything runs.',
    load: () => import('./database/failover.ts'),
  },
  'db:provision': {
    summary: 'Create databases and roles of the services, on any server.',
    load: () => import('./database/provision.ts'),
  },
  'db:generate': {
    summary: 'Write migrations for what changed in a schema.',
    load: () => import('./database/generate.ts'),
  },
  'db:migrate': {
    summary: 'Apply migrations, as the migrator.',
    load: () => import('./database/migrate.ts'),
  },
  'db:status': {
    summary: 'Show which migrations each database has.',
    load: () => import('./database/status.ts'),
  },
  'db:baseline': {
    summary: 'Record the first migration of a database whose tables exist.',
    load: () => import('./database/baseline.ts'),
  },
  'db:seed': {
    summary: 'Fill databases with rows to work with.',
    load: () => import('./database/seed.ts'),
  },
  'db:reset': {
    summary: 'Drop local databases and make them anew.',
    load: () => import('./database/reset.ts'),
  },
  'db:psql': {
    summary: "Open psql in a service's database, or run a statement.",
    load: () => import('./database/psql.ts'),
  },
  'db:studio': {
    summary: "Open drizzle-kit's studio for a service's database.",
    load: () => import('./database/studio.ts'),
  },
  'new:service': {
    summary: 'Make a service with a database of its own.',
    load: () => import('./new-service.ts'),
  },
  'remove:service': {
    summary: 'Undo new:service.',
    load: () => import('./remove-service.ts'),
  },
  options: {
    summary: 'Show every option of pool and connection, with its variable.',
    load: () => import('./options.ts'),
  },
  pack: {
    summary: 'Write the packages of the connection layer as tarballs for other projects.',
    load: () => import('./pack.ts'),
  },
  faults: {
    summary: 'Measure the connection layer and its peers under faults.',
    load: () => import('./measure/faults.ts'),
  },
  chaos: {
    summary: 'Break the connection layer at random, and audit what it answered.',
    load: () => import('./measure/chaos.ts'),
  },
  bench: {
    summary: 'Measure how fast the connection layer and its peers are.',
    load: () => import('./measure/bench.ts'),
  },
  'bench:http': {
    summary: 'Measure how many requests a second the services answer.',
    load: () => import('./measure/bench-http.ts'),
  },
}

/** What a command is for, by the commands of each task; the others come last. */
const tasks: Readonly<Record<string, readonly string[]>> = {
  Run: ['dev', 'start'],
  Look: ['doctor', 'status', 'console', 'health', 'connections', 'options'],
  Change: ['new:service', 'remove:service', 'db:generate', 'db:migrate', 'check', 'test', 'test:browser'],
  'Work with the databases': [
    ...['db:status', 'db:psql', 'db:studio', 'db:seed', 'db:reset', 'db:baseline', 'db:provision'],
    ...['db:start', 'db:stop', 'db:failover'],
  ],
  'Use the layer elsewhere': ['pack'],
  'Measure and break': ['bench', 'bench:http', 'faults', 'chaos'],
}

/** Every command with its summary, by task. */
export function commandGroups(): CommandGroups {
  const listed = new Set(Object.values(tasks).flat())
  const others = Object.keys(commands).filter((name) => !listed.has(name))
  const groups = { ...tasks, ...(others.length > 0 ? { Other: others } : {}) }
  const described = Object.entries(groups).map(([title, names]) => {
    const known = names.flatMap((name) => {
      const entry = commands[name]
      return entry === undefined ? [] : [[name, entry.summary] as const]
    })
    return [title, known] as const
  })
  return Object.fromEntries(described)
}
