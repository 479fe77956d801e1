import { runChecks } from '../checks/run-checks.ts'
import { defineCommand } from '../command-line/command.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Checks types (bun check), lint and format (biome) and who imports whom, and shows what failed.`,
  options: { fix: { type: 'boolean', description: 'Fix lint and format where that is safe.' } },
  positionals: false,
  run: ({ values }) => runChecks({ fix: values.fix === true }),
})
