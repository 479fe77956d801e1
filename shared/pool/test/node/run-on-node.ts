import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BunPlugin } from 'bun'

/** What `runOnNode` takes. */
export interface NodeRun {
  /** Test files, absolute; they use nothing of Bun's but its test runner. */
  readonly files: readonly string[]
  /** Modules that are loaded before each of them, absolute. */
  readonly preload?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Names of tests that need Bun itself. */
  readonly except?: readonly string[]
  /** Texts of sources and what stands for them, for what a bundler cannot see. */
  readonly replace?: Readonly<Record<string, string>>
  /** The program. Default: the `node` of the PATH. */
  readonly node?: string
  /** After which all of it is ended, in ms. */
  readonly limitMs: number
}

/** What Node's test runner says at the end. */
export interface NodeSummary {
  readonly exitCode: number
  /** Names of tests and suites that failed, with what they say. */
  readonly failures: readonly string[]
  readonly tests: number
  readonly pass: number
  readonly skipped: number
}

const onlyOfBun: Readonly<Record<string, string>> = {
  'bun:test': 'bun-test.ts',
  'bun:sqlite': 'start-lock.ts',
}

const resolver = join(import.meta.dir, 'resolve-from.ts')

const forNode = (replace: Readonly<Record<string, string>>): BunPlugin => ({
  name: 'tests on Node',
  setup(build) {
    build.onResolve({ filter: /^bun:(?:test|sqlite)$/ }, ({ path }) => ({
      path: join(import.meta.dir, onlyOfBun[path] as string),
    }))
    // A bundle lies elsewhere: what a module finds beside itself stays where its source is.
    build.onLoad({ filter: /\/shared\/[^/]+\/(?:src|test)\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const contents = Object.entries(replace)
        .reduce((text, [from, to]) => text.replaceAll(from, to), source)
        .replace(/\bimport\.meta\.(?:dir|dirname)\b/g, JSON.stringify(dirname(path)))
        .replace(/\bimport\.meta\.(?:path|filename)\b/g, JSON.stringify(path))
        .replace(/\bimport\.meta\.url\b/g, JSON.stringify(`file://${path}`))
        .replace(/\bimport\.meta\.resolve\(/g, `resolveFrom(${JSON.stringify(path)}, `)
      if (contents.includes('resolveFrom("'))
        return {
          contents: `import { resolveFrom } from ${JSON.stringify(resolver)}\n${contents}`,
          loader: 'ts',
        }
      return { contents, loader: 'ts' }
    })
  },
})

/** Runs test files on Node's own test runner, one after the other: each as one module, with `expect` and a shim of `bun:test`. */
export async function runOnNode({
  files,
  preload = [],
  environment = {},
  except = [],
  replace = {},
  node = nodeOfPath(),
  limitMs,
}: NodeRun): Promise<NodeSummary> {
  const folder = await mkdtemp(join(tmpdir(), 'on-node-'))
  try {
    const modules = await bundle(
      files,
      [join(import.meta.dir, 'later-than-node-20.ts'), ...preload],
      folder,
      replace,
    )
    const flags = [
      '--enable-source-maps',
      '--test',
      '--test-concurrency=1',
      '--test-force-exit',
      '--test-reporter=tap',
    ]
    const { exitCode, text } = await run(
      [node, ...flags, ...modules],
      { ...environment, TESTS_NOT_ON_NODE: JSON.stringify(except) },
      limitMs,
    )
    const count = (name: string): number =>
      Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
    return {
      exitCode,
      failures: failuresIn(text),
      tests: count('tests'),
      pass: count('pass'),
      skipped: count('skipped'),
    }
  } finally {
    // Whatever is there of it: an error here would hide the one before.
    await rm(folder, { recursive: true, force: true })
  }
}

/** How many tests Bun finds in the files; it runs none of them. */
export async function countTests(files: readonly string[]): Promise<number> {
  const { text } = await run([process.execPath, 'test', '--test-name-pattern', '^$', ...files], {}, 240_000)
  const [, count] = /\(skipping (\d+) tests\)/.exec(text) ?? []
  if (count === undefined) throw new Error(`Bun does not say how many tests there are: ${text}`)
  return Number(count)
}

function nodeOfPath(): string {
  const node = Bun.which('node')
  if (!node) throw new Error('There is no node on the PATH: install Node 20 or later to run tests on it.')
  return node
}

async function bundle(
  files: readonly string[],
  preload: readonly string[],
  folder: string,
  replace: Readonly<Record<string, string>>,
): Promise<string[]> {
  const entries = await Promise.all(
    files.map(async (file, place) => {
      const entry = join(folder, `${place}-${file.split('/').slice(-3).join('-')}`)
      await writeFile(entry, [...preload, file].map((path) => `import ${JSON.stringify(path)}\n`).join(''))
      return entry
    }),
  )
  const { outputs } = await Bun.build({
    entrypoints: entries,
    outdir: join(folder, 'out'),
    naming: '[name].mjs',
    target: 'node',
    sourcemap: 'linked',
    plugins: [forNode(replace)],
  })
  return outputs.filter(({ kind }) => kind === 'entry-point').map(({ path }) => path)
}

/** Runs a program in a process group of its own, which is ended as a whole: Node's runner starts a process for each file. */
async function run(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<{ exitCode: number; text: string }> {
  const running = Bun.spawn([...command], {
    env: { ...process.env, ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    process.kill(-running.pid, 'SIGKILL')
  }, limitMs)
  const [stdout, stderr, exitCode] = await Promise.all([
    running.stdout.text(),
    running.stderr.text(),
    running.exited,
  ])
  clearTimeout(timer)
  const text = stdout + stderr
  if (isLate) throw new Error(`It took longer than ${limitMs} ms. At its end: ${text.slice(-2_000)}`)
  return { exitCode, text }
}

/** Each `not ok` with the lines that explain it. */
function failuresIn(text: string): string[] {
  return [...text.matchAll(/^( *)not ok .*$(?:\n\1 .*$)*/gm)].map(([found]) => found.trim())
}
