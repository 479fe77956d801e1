import { provideBrowser } from '@shared/console/testing/browser'
import { runTests } from '../checks/run-tests.ts'
import { defineCommand } from '../command-line/command.ts'
import { CommandError } from '../command-line/errors.ts'

const tests = [
  ...[
    'browser',
    'cluster-browser',
    'details-browser',
    'incidents-browser',
    'reference-page',
    'states-browser',
  ].map((name) => `./shared/console/test/${name}.test.ts`),
  './shared/cli/test/two-devs.test.ts',
]

export const command = defineCommand({
  synopsis: '[-- options of bun test]',
  description: `
Tests the console and the services' API reference in a real Chromium: that of CHROMIUM_PATH, an installed one, or, on
Linux, the one of an npm package, which is put into .data/browser. Never passes without a browser. bun run test has these tests too, where a browser is.`,
  options: {},
  positionals: false,
  rest: true,
  async run({ rest }) {
    process.env.CHROMIUM_PATH = await provide()
    return runTests([...tests, ...rest])
  },
})

async function provide(): Promise<string> {
  try {
    return await provideBrowser()
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
