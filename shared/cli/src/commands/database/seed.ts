import { relative } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { CommandError } from '../../command-line/errors.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { seedFile, seedService } from '../../databases/seeding.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Runs drizzle/<name>/seed.ts of each service that has one, in one transaction, as its runtime role: rows to work with. A
database that is not on the local server is left alone without --external.`,
  options: {
    external: { type: 'boolean', description: 'Seed databases of other servers too.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const setups = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    for (const setup of setups) {
      const { service, database } = setup.service
      const file = seedFile(setup.service)
      if (file === null) {
        console.log(`${service} has no seed.ts`)
        continue
      }
      if (setup.external && !values.external)
        throw new CommandError(`${database} is not on the local server: --external seeds it all the same.`)
      await seedService(setup, file)
      console.log(`seeded ${database} with ${relative(repositoryRoot, file)}`)
    }
    return 0
  },
})
