import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated } from '../src/testing/index.ts'

const root = resolve(import.meta.dir, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'compiled-'))
const program = join(folder, 'product')

beforeAll(async () => {
  const child = Bun.spawn(
    [
      process.execPath,
      'build',
      '--compile',
      '--outfile',
      program,
      join(root, 'services/product/src/index.ts'),
    ],
    { cwd: folder, stdout: 'ignore', stderr: 'pipe' },
  )
  const [problem, exitCode] = await Promise.all([child.stderr.text(), child.exited])
  if (exitCode !== 0) throw new Error(problem)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('a service that bun build --compile made is one file that serves, knows its migrations and stops in order', async () => {
  await using postgres = await withDatabase({
    service: 'product',
    template: migrated(join(root, 'drizzle/product/migrations')),
  })
  const child = Bun.spawn([program], {
    cwd: folder,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: postgres.appUrl,
      DATABASE_NAME_CHECK: 'false',
      HEALTH_DETAILS: 'always',
      SHUTDOWN_DELAY: '0',
    },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let output = ''
  const reading = (async () => {
    for await (const chunk of child.stdout) output += new TextDecoder().decode(chunk)
  })()
  try {
    const addressOf = () => /listens on (http:\S+?)\/?"/.exec(output)?.[1]
    await eventually(() => addressOf() !== undefined)
    const url = addressOf() ?? ''
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 200)
    const { migrations } = (await (await fetch(`${url}/health/detailed`)).json()) as Record<string, unknown>
    const products = (await fetch(`${url}/products`)).status
    const docs = (await fetch(`${url}/docs`)).status
    child.kill('SIGTERM')
    const exitCode = await child.exited
    await reading
    // What the pool tells of a machine that is slow is no fault of the program.
    const warnings = output
      .split('\n')
      .filter((line) => /"level":"(warn|error)"/.test(line) && !/confined|"msg":"database: /.test(line))
    expect({ migrations, products, docs, exitCode, warnings }).toEqual({
      migrations: { state: 'current', pending: [], total: expect.any(Number), code: null },
      products: 200,
      docs: 200,
      exitCode: 0,
      warnings: [],
    })
  } finally {
    child.kill('SIGKILL')
    await child.exited
  }
}, 60_000)
