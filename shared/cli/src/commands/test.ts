import { runTests, testPaths } from '../checks/run-tests.ts'
import { defineCommand } from '../command-line/command.ts'

export const command = defineCommand({
  synopsis: '[service or path…] [-- options of bun test]',
  description: `
Runs bun test on everything, or on the services, folders and files named, with one PostgreSQL for all test files: a
local one, started here and stopped at the end, or the server of TEST_DATABASE_ADMIN_URL. Other options of bun test
come after --, as in: bun run test auth -- --bail`,
  options: {
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
    return runTests([...testPaths(positionals), ...options])
  },
})
