import { positiveNumber } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { dataRootOption, openAdminServer } from '../database-server.ts'
import { provisionServices, showPlan } from '../prepare-databases.ts'
import { withOwnPasswords } from '../role-passwords.ts'
import { composeEnvironments } from '../service-environment.ts'
import { findServices } from '../services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Creates, or brings to their state, the database and the roles of each service: names and passwords come from the
service's environment (DATABASE_USER, DATABASE_PASSWORD, MIGRATION_USER, MIGRATION_PASSWORD). Works on the local
server, which is started if it does not run, or on the one of DATABASE_ADMIN_URL (or DATABASE_ADMIN_URL_FILE, so that
no password is in a command line). Can run again at any time.

A server that is not the local one may hold what belongs to others. There it prints its plan first; databases and roles
that exist and were not made by it (a line in their comment says so) are refused before anything is changed; postgres
and template1 stay as they are; and the passwords of .env.development, which everybody knows, are not used: where no
other is given, one is made up and written to services/<name>/.env.local.`,
  options: {
    'admin-url': {
      type: 'string',
      value: 'url',
      description: 'A superuser, or a role with CREATEROLE and CREATEDB. Wins over the variable.',
    },
    'dry-run': { type: 'boolean', description: 'Print every statement, and change nothing.' },
    adopt: {
      type: 'boolean',
      description: 'Take over databases and roles of these names that it has not made.',
    },
    'close-shared-databases': {
      type: 'boolean',
      description: 'Revoke what PUBLIC may do on postgres and template1, for every role of the server.',
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
    const setups = composeEnvironments(services)
    const server = await openAdminServer({
      services,
      dataRoot: values['data-root'],
      adminUrl: values['admin-url'],
    })
    try {
      console.log(server.description)
      const request = {
        server,
        setups: server.local ? setups : setups.map((setup) => withOwnPasswords(setup)),
        connectionLimit,
        adopt: values.adopt === true,
        closeSharedDatabases: values['close-shared-databases'] === true,
        report: console.log,
      }
      if (values['dry-run'] !== true) await provisionServices(request)
      else if ((await showPlan(request)).refusals.length > 0) return 1
    } finally {
      await server.release()
    }
    return 0
  },
})
