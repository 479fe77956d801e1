import { createMigrationEnv } from '@shared/env'
import { defineCommand } from '../../command-line/command.ts'
import { UsageError } from '../../command-line/errors.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { runDrizzleKit } from '../../databases/drizzle-kit.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '<service> [-- options of drizzle-kit studio]',
  description: `
Opens drizzle-kit's studio for the service's database, logged in as its migrator: a web page that shows and changes rows. The
page comes from its makers' server; the data goes between the browser and this machine.`,
  options: { ...dataRootOption },
  positionals: true,
  rest: true,
  async run({ values, positionals, rest }) {
    if (positionals.length !== 1) throw new UsageError('name one service')
    const [setup] = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    if (setup === undefined) throw new UsageError('name one service')
    const env = createMigrationEnv({ ...setup.service, environment: setup.environment })
    return runDrizzleKit(setup.service.schemaFolder, ['studio', ...rest], { DRIZZLE_URL: env.url.reveal() })
  },
})
