import { defineCommand } from '../../command-line/command.ts'
import { CommandError } from '../../command-line/errors.ts'
import { dataRootOption, openAdminServer } from '../../databases/admin-server.ts'
import { dropDatabases } from '../../databases/drop.ts'
import { migrateService } from '../../databases/migrations.ts'
import { provisionServices } from '../../databases/provisioning.ts'
import { seedFile, seedService } from '../../databases/seeding.ts'
import { composeEnvironments, onServer } from '../../workspace/service-environment.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Drops the databases of the services on the local server, with all their rows, and makes them anew: roles, migrations, and
rows where there is a seed. Asks before. Never touches another server.`,
  options: {
    yes: { type: 'boolean', short: 'y', description: 'Do not ask.' },
    'no-seed': { type: 'boolean', description: 'Leave the tables empty.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const services = await findServices(positionals)
    const composed = composeEnvironments(services)
    const foreign = composed.filter(({ external }) => external)
    if (foreign.length > 0)
      throw new CommandError(
        `${foreign.map(({ service }) => service.service).join(', ')}: the database is not on the local server. Nothing was changed.`,
      )
    const server = await openAdminServer({ services, dataRoot: values['data-root'] })
    try {
      if (!server.local)
        throw new CommandError(
          'DATABASE_ADMIN_URL names a server that is not the local one. Nothing was changed.',
        )
      const names = services.map(({ database }) => database)
      if (!values.yes && !isAgreed(names)) throw new CommandError('Nothing was changed.')
      await dropDatabases(server.adminUrl, names)
      const setups = composed.map((setup) => onServer(setup, server))
      await provisionServices({ server, setups, report: console.log })
      for (const setup of setups) {
        await migrateService(setup, console.log)
        const file = values['no-seed'] ? null : seedFile(setup.service)
        if (file === null) continue
        await seedService(setup, file)
        console.log(`seeded ${setup.service.database}`)
      }
    } finally {
      await server.release()
    }
    return 0
  },
})

function isAgreed(names: readonly string[]): boolean {
  if (!process.stdin.isTTY)
    throw new CommandError('There is no terminal to ask on: add --yes. Nothing was changed.')
  return confirm(`Drop ${names.join(', ')} with all rows?`)
}
