import { expect, test } from 'bun:test'
import { basename, join } from 'node:path'
import { countTests, runOnNode } from './node/index.ts'

// They measure the heap of Bun's engine by bun:jsc, run an example in TypeScript, and are this file.
const onBunOnly = ['leak.test.ts', 'readme.test.ts', 'node.test.ts']

/** The test files of the package that use nothing of Bun's but its test runner. */
const files = [
  ...new Bun.Glob('{src,test}/**/*.test.ts').scanSync({ cwd: join(import.meta.dir, '..'), absolute: true }),
]
  .filter((file) => !onBunOnly.includes(basename(file)))
  .sort()

test('every test of the pool passes on Node 20 or later too', async () => {
  const [summary, tests] = await Promise.all([runOnNode({ files, limitMs: 280_000 }), countTests(files)])
  expect(summary).toEqual({ exitCode: 0, failures: [], tests, pass: tests, skipped: 0 })
}, 300_000)
