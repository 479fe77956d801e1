import { positiveNumber } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { dataRootOption, openAdminServer } from '../database-server.ts'
import { provisionServices, rolesOf } from '../prepare-databases.ts'
import { composeEnvironments } from '../service-environment.ts'
import { findServices } from '../services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Creates, or brings to their state, the database and the roles of each service: names and passwords come from the
service's environment (DATABASE_USER, DATABASE_PASSWORD, MIGRATION_USER, MIGRATION_PASSWORD). Works on the local
server, which is started if it does not run, or on the one of DATABASE_ADMIN_URL (or DATABASE_ADMIN_URL_FILE, so that
no password is in a command line). Can run again at any time.`,
  options: {
    'admin-url': {
      type: 'string',
      value: 'url',
      description: 'A superuser, or a role with CREATEROLE and CREATEDB. Wins over the variable.',
    },
    'connection-limit': {
      type: 'string',
      value: 'number',
      description: 'Connections a runtime role may have. Default: enough for two processes of the service.',
    },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const limit = values['connection-limit']
    const connectionLimit = limit === undefined ? undefined : positiveNumber('--connection-limit', limit, 1)
    const services = await findServices(positionals)
    const roles = composeEnvironments(services).map((setup) => rolesOf(setup, connectionLimit))
    const server = await openAdminServer({
      services,
      dataRoot: values['data-root'],
      adminUrl: values['admin-url'],
    })
    try {
      console.log(server.description)
      await provisionServices(server.adminUrl, roles, console.log)
    } finally {
      await server.release()
    }
    return 0
  },
})
