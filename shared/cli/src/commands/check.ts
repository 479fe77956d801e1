import { countPackages, renderNumbers } from '../checks/numbers.ts'
import { runChecks } from '../checks/run-checks.ts'
import { defineCommand } from '../command-line/command.ts'
import { repositoryRoot } from '../workspace/packages.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Checks types (bun check), lint and format (biome) and imports: which packages and folders may import which, without
circles. Shows what failed.`,
  options: {
    fix: { type: 'boolean', description: 'Fix lint and format where that is safe.' },
    numbers: {
      type: 'boolean',
      description:
        'Check nothing, and print for each package its files, folders and the imports between folders.',
    },
  },
  positionals: false,
  async run({ values }) {
    if (!values.numbers) return runChecks({ fix: values.fix === true })
    console.log(renderNumbers(countPackages(repositoryRoot)))
    return 0
  },
})
