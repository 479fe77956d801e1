import { relative } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runDrizzleKit } from '../../databases/drizzle-kit.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Compares drizzle/<name>/schema.ts with the newest migration of each service and writes a migration for what differs.
Read it, commit it, and apply it with db:migrate.`,
  options: {
    name: {
      type: 'string',
      value: 'name',
      description: "What to call the migration. Default: drizzle-kit's.",
    },
    custom: { type: 'boolean', description: 'Write an empty migration, to be filled by hand.' },
  },
  positionals: true,
  async run({ values, positionals }) {
    let worst = 0
    // One after another: drizzle-kit prompts on the terminal whether a column was renamed.
    for (const { service, schemaFolder } of await findServices(positionals)) {
      console.log(`${service}: ${relative(repositoryRoot, schemaFolder)}/schema.ts`)
      const options = [
        ...(values.name === undefined ? [] : [`--name=${values.name}`]),
        ...(values.custom ? ['--custom'] : []),
      ]
      const exitCode = await runDrizzleKit(schemaFolder, ['generate', ...options])
      if (exitCode !== 0) console.error(`${service}: drizzle-kit ended with exit code ${exitCode}`)
      worst = Math.max(worst, exitCode)
    }
    return worst === 0 ? 0 : 1
  },
})
