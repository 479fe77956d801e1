import { defaultWorkers, runTests, testPaths } from '../checks/run-tests.ts'
import { count } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { UsageError } from '../command-line/errors.ts'

export const command = defineCommand({
  synopsis: '[service or path…] [-- options of bun test]',
  description: `
Runs bun test on everything, or on the services, folders and files named. Files are shared by workers, each with a
PostgreSQL of its own, started here and stopped at the end; on the server of TEST_DATABASE_ADMIN_URL there is one
worker. Other options of bun test come after --, as in: bun run test auth -- --bail`,
  options: {
    workers: {
      type: 'string',
      value: 'number',
      description:
        'How many files run at a time. Default: for everything one for two processors, 4 at most; else 1.',
    },
    'test-name-pattern': {
      type: 'string',
      short: 't',
      value: 'regex',
      description: 'Run only tests whose name matches.',
    },
    watch: { type: 'boolean', description: 'Run again when files change.' },
  },
  positionals: true,
  rest: true,
  async run({ values, positionals, rest }) {
    const pattern = values['test-name-pattern']
    const options = [
      ...(pattern === undefined ? [] : [`--test-name-pattern=${pattern}`]),
      ...(values.watch ? ['--watch'] : []),
      ...rest,
    ]
    const isAll = positionals.length === 0 && pattern === undefined && !values.watch
    const workers = count('--workers', values.workers) ?? (isAll ? defaultWorkers() : 1)
    if (workers === 0) throw new UsageError('--workers must be at least 1, not 0')
    return runTests([...testPaths(positionals), ...options], workers)
  },
})
