import { positiveNumber } from '../../command-line/arguments.ts'
import { defineCommand } from '../../command-line/command.ts'
import { dataRootOption, openAdminServer } from '../../databases/admin-server.ts'
import { provisionServices, showPlan } from '../../databases/provisioning.ts'
import { withOwnPasswords } from '../../databases/role-passwords.ts'
import { composeEnvironments } from '../../workspace/service-environment.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Creates or updates the database and the roles of each service: names and passwords come from the
service's environment (DATABASE_USER, DATABASE_PASSWORD, MIGRATION_USER, MIGRATION_PASSWORD). Works on the local
server, which is started if it does not run, or on the one of DATABASE_ADMIN_URL (or DATABASE_ADMIN_URL_FILE, so that
no password is in a command line). Can run again at any time.

A server that is not the local one may hold databases of others. There it prints its plan first; databases and roles
that exist and were not created by it (it marks them in their comment) are refused before anything is changed; postgres
and template1 stay as they are; and the public passwords of .env.development are not used: where no other is given, one
is generated and written to services/<name>/.env.local.`,
  options: {
    'admin-url': {
      type: 'string',
      value: 'url',
      description: 'A superuser, or a role with CREATEROLE and CREATEDB. Wins over the variable.',
    },
    'dry-run': { type: 'boolean', description: 'Print every statement, and change nothing.' },
    adopt: {
      type: 'boolean',
      description: 'Take over databases and roles of these names that it has not created.',
    },
    'close-shared-databases': {
      type: 'boolean',
      description: 'Revoke the privileges of PUBLIC on postgres and template1, for every role of the server.',
    },
    'connection-limit': {
      type: 'string',
      value: 'number',
      description:
        'Connections a runtime role may have. Default: for twice as many processes as DATABASE_REPLICAS.',
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
