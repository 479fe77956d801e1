import { positiveNumber } from '../../command-line/arguments.ts'
import { defineCommand } from '../../command-line/command.ts'
import { UsageError } from '../../command-line/errors.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { baselineService } from '../../databases/migrations.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '<service…>',
  description: `
For a database whose tables exist already: records the first migration as applied, so that db:migrate applies only later
ones. Before that it compares the tables with what the migration makes, in a transaction that is undone. Where they differ it
says how, records nothing and ends with exit code 1.`,
  options: {
    count: {
      type: 'string',
      value: 'number',
      description: 'How many migrations the tables are the result of. Default 1.',
    },
    'dry-run': { type: 'boolean', description: 'Compare, and record nothing.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    if (positionals.length === 0) throw new UsageError('name the services')
    const count = positiveNumber('--count', values.count, 1)
    const dryRun = values['dry-run'] === true
    const setups = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    let exitCode = 0
    for (const setup of setups) {
      const { database } = setup.service
      const { recorded, differences } = await baselineService(setup, { count, dryRun })
      if (differences.length === 0) {
        console.log(`${database}: ${dryRun ? 'would record' : 'recorded'} as applied: ${recorded.join(', ')}`)
        continue
      }
      exitCode = 1
      console.log(`${database}: the tables are not what the migration makes, and nothing was recorded`)
      for (const { text, fix } of differences) console.log(`  ${text}${fix ? `\n    ${fix}` : ''}`)
      console.log(
        '  Run the statements above where there are any; bring the others in line in the table, or in the schema and its migration.',
      )
    }
    return exitCode
  },
})
