import type { Command } from '../command-line/command.ts'

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
  'new:service': {
    summary: 'Make a service with a database of its own.',
    load: () => import('./new-service.ts'),
  },
  options: {
    summary: 'Show every option of pool and connection, with its variable.',
    load: () => import('./options.ts'),
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
