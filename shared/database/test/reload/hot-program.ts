import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, type TestDatabase } from '@shared/postgres/testing'

/** A program that a development server runs again when its module is saved. */
export interface HotProgram extends AsyncDisposable {
  /** Writes another version of its module. */
  save(version: number): void
  /** Sends a request: `/version` says which version answers, `/slow` does that after more than a second. */
  ask(path: string): Promise<string>
  /** What it has written to standard output and standard error. */
  output(): string
  kill(): void
}

/** How the program is run, from the folder in which `program.ts` is. */
export interface Runner {
  /** The file that answers requests with what `program.ts` exports, at a port that it writes to the file `port`. */
  readonly server: string
  readonly flags: readonly string[]
}

export const bunHot: Runner = {
  flags: ['--hot', '--no-clear-screen'],
  server: `import { writeFileSync } from 'node:fs'
import { answer } from './program.ts'

const { port } = Bun.serve({
  port: 0,
  fetch: async (request) => new Response(await answer(new URL(request.url).pathname)),
})
writeFileSync('port', String(port))
`,
}

/** As frameworks on Vite do: each request gets its module from Vite, which runs it again when it was changed. */
export const viteRunner: Runner = {
  flags: [],
  server: `import { writeFileSync } from 'node:fs'
import { createServer } from '${import.meta.resolve('vite')}'

const vite = await createServer({
  root: import.meta.dirname,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, ws: false },
})
const { port } = Bun.serve({
  port: 0,
  async fetch(request) {
    const { answer } = await vite.ssrLoadModule('/program.ts')
    return new Response(await answer(new URL(request.url).pathname))
  },
})
writeFileSync('port', String(port))
`,
}

const program = (version: number): string => `import { createDatabase } from '@shared/database'

const options = { url: process.env.URL, pool: { poolSize: 1, maxOverflow: 0 }, hot: import.meta }
const database = createDatabase({ name: 'hot', ...options })
// Of the same name, and not a later version of the other.
const twin = createDatabase({ name: 'hot', ...options })
await Promise.all([database, twin].map((one) => one.ping({ timeoutMs: 60_000 })))
// Each notification is a use of the database.
await database.listen('news', () => database.db.execute('select 1'))

export async function answer(path) {
  if (path === '/slow') {
    await database.db.transaction((tx) => tx.execute('select pg_sleep(0.3)'))
    // What another service takes to answer: no connection is held meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await database.db.execute('select 1')
  }
  await Promise.all([database, twin].map((one) => one.db.execute('select 1')))
  return '${version}'
}
`

/** Starts version 0; disposing kills it. */
export async function startHotProgram(runner: Runner, postgres: TestDatabase): Promise<HotProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'hot-'))
  const save = (version: number) => writeFileSync(join(folder, 'program.ts'), program(version))
  installDatabase(join(folder, 'node_modules/@shared/database'))
  writeFileSync(join(folder, 'server.ts'), runner.server)
  save(0)
  const child = Bun.spawn([process.execPath, ...runner.flags, 'server.ts'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', URL: postgres.appUrl },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let output = ''
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const bytes of stream) output += decoder.decode(bytes, { stream: true })
  }
  const written = Promise.all([collect(child.stdout), collect(child.stderr)])
  const ask = async (path: string) => {
    const port = readFileSync(join(folder, 'port'), 'utf8')
    return await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  }
  const dispose = async () => {
    child.kill('SIGKILL')
    await written
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await eventually(async () => (await ask('/version')) === '0', { timeoutMs: 60_000 })
  } catch (error) {
    await dispose()
    throw new Error(`the program did not start:\n${output}`, { cause: error })
  }
  return {
    save,
    ask,
    output: () => output,
    kill: () => child.kill('SIGKILL'),
    [Symbol.asyncDispose]: dispose,
  }
}

/** As an installed package: Vite leaves those to the runtime, and runs a linked one's sources itself. */
function installDatabase(folder: string): void {
  const source = join(import.meta.dir, '../../src/index.ts')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }))
  writeFileSync(join(folder, 'index.js'), `export * from ${JSON.stringify(source)}\n`)
}
