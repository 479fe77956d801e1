import { defineCommand } from '../../command-line/command.ts'
import { explainError } from '../../command-line/explain-error.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { migrateService } from '../../databases/migrations.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Applies the migrations of each service to its database, logged in as its migrator (MIGRATION_USER). The database is
at the address in the service's environment, or on the running local server, or on the server of DATABASE_ADMIN_URL.`,
  options: { ...dataRootOption },
  positionals: true,
  async run({ values, positionals }) {
    const services = await findServices(positionals)
    const setups = await findSetups(services, { dataRoot: values['data-root'] })
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
