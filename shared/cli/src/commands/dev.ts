import { count } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { dataRootOption, replicasOption } from '../databases/admin-server.ts'
import { runDevelopment } from '../running/development.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Starts the services named, or all of them, with everything they need: the local PostgreSQL (or the server of
DATABASE_ADMIN_URL), databases, roles and migrations. Restarts a service when its files change. Ctrl-C stops
everything in order, a second one at once.

On the server of DATABASE_ADMIN_URL it makes what is missing, after printing every statement, and refuses databases and
roles that it has not made: see db:provision --help.

A service whose DATABASE_URL, DATABASE_HOST or DATABASE_PORT is set elsewhere (services/<name>/.env.local, the
environment) uses that server: nothing is started, made or migrated for it. PORT=0 takes free ports.

With --replicas the local PostgreSQL has standbys, copies of it that follow it; db:failover makes one of them the primary
while everything runs.

The console, a web page with every service's pool, is on http://127.0.0.1:8000 (CONSOLE_PORT). A second dev, for
other services, joins the same PostgreSQL, and serves the console once the first has ended.`,
  options: {
    migrate: {
      type: 'boolean',
      description: 'Migrate services on servers of their own too, and apply what comes later at once.',
    },
    'no-watch': { type: 'boolean', description: 'Do not restart when files change.' },
    ...replicasOption,
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    return runDevelopment({
      services: await findServices(positionals),
      dataRoot: values['data-root'],
      replicas: count('--replicas', values.replicas),
      migrateExternal: values.migrate === true,
      watch: values['no-watch'] !== true,
    })
  },
})
