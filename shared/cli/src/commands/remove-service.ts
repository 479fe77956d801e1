import { defineCommand } from '../command-line/command.ts'
import { CommandError, UsageError } from '../command-line/errors.ts'
import { dataRootOption, openAdminServer } from '../databases/admin-server.ts'
import { dropService } from '../databases/drop.ts'
import { rolesOf } from '../databases/provisioning.ts'
import { planRemoval, removeService } from '../new-service/remove.ts'
import { composeEnvironments, onServer } from '../workspace/service-environment.ts'

export const command = defineCommand({
  synopsis: '<name>',
  description: `
Undoes new:service: removes the service's folders, its part of docker-compose.yml, its manifests, its row in README.md and
what scrapes it. Its database stays, unless --drop-database is given, which is for the local server. Refuses what git has
not got, and a service that others use in docker-compose.yml.`,
  options: {
    'drop-database': {
      type: 'boolean',
      description: 'Drop its database and roles on the local server too, with all rows.',
    },
    'allow-dirty': { type: 'boolean', description: 'Remove although git has not got all of it.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw new UsageError('name one service')
    const removal = await planRemoval({ name, allowDirty: values['allow-dirty'] })
    const { service, folders, changed, secrets } = removal
    const [setup] = composeEnvironments([service])
    if (setup === undefined) throw new UsageError('name one service')
    // While its environment is still there to say what its roles are called.
    const roles = rolesOf(setup)
    if (values['drop-database']) {
      if (setup.external)
        throw new CommandError(
          `${roles.database} is not on the local server: drop it there. Nothing was changed.`,
        )
      const server = await openAdminServer({ services: [service], dataRoot: values['data-root'] })
      try {
        if (!server.local) throw new CommandError('DATABASE_ADMIN_URL is set. Nothing was changed.')
        await dropService(server.adminUrl, rolesOf(onServer(setup, server)))
      } finally {
        await server.release()
      }
    }
    await removeService(removal)
    const left = [
      ...(values['drop-database']
        ? []
        : [
            `database ${roles.database}, roles ${[roles.owner, roles.migrator.name, roles.app.name].join(', ')}`,
          ]),
      ...secrets,
    ]
    console.log(
      [
        `${name} was removed`,
        ...folders.map((path) => `  removed  ${path}`),
        ...[...changed.map(({ path }) => path), 'bun.lock'].map((path) => `  changed  ${path}`),
        ...(values['drop-database'] ? [`  dropped  ${roles.database} and its roles`] : []),
        ...left.map((what) => `  left     ${what}`),
      ].join('\n'),
    )
    return 0
  },
})
