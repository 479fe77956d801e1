import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

// They measure the heap of Bun's engine by bun:jsc, run an example in TypeScript, and are this file.
const onBunOnly = ['leak.test.ts', 'readme.test.ts', 'node.test.ts']

const packageFolder = join(import.meta.dir, '..')

/** The test files of the package that use nothing of Bun's but its test runner. */
const testFiles = [
  ...new Bun.Glob('{src,test}/**/*.test.ts').scanSync({ cwd: packageFolder, absolute: true }),
]
  .filter((file) => !onBunOnly.includes(basename(file)))
  .sort()

/** Writes each file as one module for Node, and says which. */
async function bundleForNode(files: readonly string[], folder: string): Promise<string[]> {
  const { outputs } = await Bun.build({
    entrypoints: [...files],
    outdir: folder,
    naming: '[name].mjs',
    target: 'node',
    plugins: [
      {
        name: 'bun:test on node:test',
        setup: (build) => {
          build.onResolve({ filter: /^bun:test$/ }, () => ({
            path: join(import.meta.dir, 'node', 'bun-test.ts'),
          }))
        },
      },
    ],
  })
  return outputs.map(({ path }) => path)
}

async function run(command: readonly string[]): Promise<{ exitCode: number; text: string }> {
  const running = Bun.spawn([...command], { cwd: packageFolder, stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
    running.exited,
  ])
  return { exitCode, text: stdout + stderr }
}

/** How many tests Bun finds in the files; it runs none of them. */
async function countTests(files: readonly string[]): Promise<number> {
  const { text } = await run([process.execPath, 'test', '--test-name-pattern', '^$', ...files])
  const [, count] = /\(skipping (\d+) tests\)/.exec(text) ?? []
  if (count === undefined) throw new Error(`Bun does not say how many tests there are: ${text}`)
  return Number(count)
}

test('every test of the pool passes on Node 20 or later too', async () => {
  const node = Bun.which('node')
  if (!node)
    throw new Error('There is no node on the PATH: install Node 20 or later to run the tests of the pool.')
  const folder = await mkdtemp(join(tmpdir(), 'pool-on-node-'))
  try {
    const modules = await bundleForNode(testFiles, folder)
    const { exitCode, text } = await run([node, '--test', '--test-reporter=tap', ...modules])
    const summary = Object.fromEntries(
      [...text.matchAll(/^# (tests|pass|fail|cancelled|skipped|todo) (\d+)$/gm)].map(([, name, count]) => [
        name,
        Number(count),
      ]),
    )
    const tests = await countTests(testFiles)
    const failures = text.match(/^\s*not ok .*$/gm) ?? []
    expect({ failures, ...summary, exitCode }).toEqual({
      failures: [],
      tests,
      pass: tests,
      fail: 0,
      cancelled: 0,
      skipped: 0,
      todo: 0,
      exitCode: 0,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}, 120_000)
