import { createMigrationEnv, createServiceEnv } from '@shared/env'
import { defineCommand } from '../../command-line/command.ts'
import { CommandError, UsageError } from '../../command-line/errors.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { runStatement } from '../../databases/run-statement.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '<service> [-- options of psql]',
  description: `
Opens psql in the service's database, as its runtime role. The password is not in the command line. PostgreSQL's programs are
not part of the local server: without an installed psql, --command still runs a statement.`,
  options: {
    migrator: { type: 'boolean', description: 'Log in as the migrator, who may change tables.' },
    command: {
      type: 'string',
      short: 'c',
      value: 'sql',
      description: 'Run one statement, print its rows, and end. Needs no psql.',
    },
    ...dataRootOption,
  },
  positionals: true,
  rest: true,
  async run({ values, positionals, rest }) {
    if (positionals.length !== 1) throw new UsageError('name one service')
    const [setup] = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    if (setup === undefined) throw new UsageError('name one service')
    const options = { ...setup.service, environment: setup.environment }
    const url = values.migrator
      ? createMigrationEnv(options).url.reveal()
      : createServiceEnv(options).DATABASE_URL.reveal()
    if (values.command !== undefined) {
      console.log(await runStatement(url, values.command))
      return 0
    }
    const program = Bun.which('psql')
    if (program === null) throw new CommandError(withoutPsql(positionals[0] ?? '', url))
    const { password, address } = withoutPassword(url)
    const child = Bun.spawn([program, address, ...rest], {
      env: { ...process.env, PGPASSWORD: password },
      stdio: ['inherit', 'inherit', 'inherit'],
    })
    // Ctrl-C ends a statement of psql, and not this process before it.
    process.on('SIGINT', () => undefined)
    return await child.exited
  },
})

function withoutPassword(url: string): { password: string; address: string } {
  const address = new URL(url)
  const password = decodeURIComponent(address.password)
  address.password = ''
  return { password, address: address.href }
}

const withoutPsql = (service: string, url: string): string =>
  `psql is not installed. Install PostgreSQL's client (Debian, Ubuntu: apt install postgresql-client; macOS: brew install libpq), ` +
  `or use bun run db:psql ${service} --command 'select 1', or bun run db:studio ${service}. The address, without the password: ` +
  withoutPassword(url).address
