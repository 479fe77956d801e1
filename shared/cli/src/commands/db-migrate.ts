import { defineCommand } from '../command.ts'
import { dataRootOption, findServer } from '../database-server.ts'
import { explainError } from '../explain-error.ts'
import { migrateService } from '../prepare-databases.ts'
import { composeEnvironments, onServer } from '../service-environment.ts'
import { findServices } from '../services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Applies the migrations of each service to its database, logged in as its migrator (MIGRATION_USER). The database is
where the service's environment says, or on the running local server, or on the server of DATABASE_ADMIN_URL.`,
  options: { ...dataRootOption },
  positionals: true,
  async run({ values, positionals }) {
    const services = await findServices(positionals)
    const server = await findServer({ dataRoot: values['data-root'] })
    const setups = composeEnvironments(services).map((setup) => (server ? onServer(setup, server) : setup))
    const exitCodes = await Promise.all(
      setups.map(async (setup) => {
        try {
          await migrateService(setup, console.log)
          return 0
        } catch (error) {
          const { message, exitCode } = explainError(error)
          console.error(`${setup.service.service}: ${message}`)
          return exitCode
        }
      }),
    )
    return Math.max(...exitCodes)
  },
})
