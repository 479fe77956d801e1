import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaultDataRoot, stopLocalCluster } from '@shared/postgres'
import { eventually } from '@shared/postgres/testing'
import { shellEnvironment } from '../command-line.ts'
import { copyWorkspace, type WorkspaceCopy } from '../new-service/workspace-copy.ts'

// Among the test kit's private servers: what a killed run leaves here, the next one stops and removes.
const dataRoot = resolve(defaultDataRoot(), '../test/servers', `${process.pid}-migrations`)
const patience = { intervalMs: 50 }

let copy: WorkspaceCopy
let dev: ReturnType<typeof startDev>
let url: string

/** `dev` for one service of the copy, with a terminal's input. */
function startDev() {
  const child = Bun.spawn(
    [process.execPath, 'shared/cli/bin.ts', 'dev', 'product', '--data-root', dataRoot],
    {
      cwd: copy.root,
      env: shellEnvironment({ PORT: '0' }),
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      detached: true,
    },
  )
  let output = ''
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true })
  }
  void collect(child.stdout)
  void collect(child.stderr)
  return {
    child,
    output: () => output,
    says: (text: string) => eventually(() => output.includes(text), patience),
  }
}

beforeAll(async () => {
  copy = await copyWorkspace()
  dev = startDev()
  await eventually(() => /http:\S+\/health +ready/.test(dev.output()), patience)
  url = /(http:\S+)\/health +ready/.exec(dev.output())?.[1] ?? ''
}, 120_000)
afterAll(async () => {
  dev?.child.kill('SIGTERM')
  await dev?.child.exited
  await stopLocalCluster({ dataRoot, mode: 'immediate' })
  rmSync(dataRoot, { recursive: true, force: true })
  copy?.remove()
}, 120_000)

/** How many migrations there are with the two of these tests. */
const inAll =
  readdirSync(join(import.meta.dir, '../../../../drizzle/product/migrations')).filter((name) =>
    name.endsWith('.sql'),
  ).length + 2

const cli = (...words: string[]) => copy.run(['shared/cli/bin.ts', ...words])
const here = (): string[] => ['--data-root', dataRoot]

function addColumn(name: string): void {
  const file = join(copy.root, 'drizzle/product/schema.ts')
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace("    name: text('name').notNull(),", (line) => `${line}\n    ${name}: text('${name}'),`),
  )
}

async function ask(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url + path, init).catch(() => null)
  const body = (await response?.json().catch(() => null)) as Record<string, unknown> | null
  return `${response?.status} ${body?.code ?? body?.status ?? ''}`.trim()
}
const write = (sku: string) =>
  ask('/products', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sku, name: 'Tea', priceMinor: 450, currency: 'EUR' }),
  })

/** To the whole group: `dev` runs in a process of its own where it had to install first. Services have groups of theirs. */
const signalDev = (signal: NodeJS.Signals) => process.kill(-dev.child.pid, signal)

/** Adds a product until that is the answer: a service that `dev` restarts after a change of its files gives none. */
const answers = (sku: string, answer: string) =>
  eventually(async () => (await write(sku)) === answer, patience)

describe('a schema edit under dev', () => {
  test('is a working route after db:generate and db:migrate, without a restart by hand', async () => {
    expect(await write('T-1')).toBe('201')
    addColumn('origin')
    await dev.says('product: the schema has changes without a migration: bun run db:generate product')
    await answers('T-2', '503 database-behind')

    const generated = await cli('db:generate', 'product')
    await dev.says('1 migration pending for product: bun run db:migrate product')
    await eventually(async () => (await ask('/readyz')) === '503 database-behind', patience)
    await answers('T-2', '503 database-behind')

    const migrated = await cli('db:migrate', 'product', ...here())
    await eventually(async () => (await ask('/readyz')) === '200 ready', patience)
    await answers('T-2', '201')
    expect([generated.exitCode, migrated.exitCode]).toEqual([0, 0])
  }, 120_000)

  test('is applied by a key press too', async () => {
    // dev sees both at once then, and the migration before it was applied by another program.
    signalDev('SIGSTOP')
    try {
      addColumn('maker')
      await cli('db:generate', 'product')
    } finally {
      signalDev('SIGCONT')
    }
    await eventually(() => dev.output().split('1 migration pending for product').length === 3, patience)
    dev.child.stdin.write('m\n')
    dev.child.stdin.flush()
    await dev.says(`migrated product_db: 1 applied, ${inAll} in all`)
    await eventually(async () => (await ask('/readyz')) === '200 ready', patience)
    await answers('T-3', '201')
  }, 120_000)

  test('db:status shows a table, db:seed fills it, db:psql reads it, db:reset begins anew', async () => {
    const status = await cli('db:status', 'product', ...here())
    const count = async () =>
      (await cli('db:psql', 'product', '-c', 'select count(*)::int as products from products', ...here()))
        .stdout
    const before = await count()
    const seeds = [await cli('db:seed', ...here()), await cli('db:seed', 'product', ...here())]
    const between = await count()
    const refused = await cli('db:reset', 'product', ...here())
    const reset = await cli('db:reset', 'product', '--yes', ...here())
    await eventually(async () => (await ask('/readyz')) === '200 ready', patience)
    await answers('T-1', '201')
    expect({
      status: [
        status.exitCode,
        status.stdout
          .trim()
          .split('\n')
          .map((line) => line.replace(/_\w+ +/, ' ').replace(/ +/, ' ')),
      ],
      before,
      seeds: seeds.map(({ exitCode, stdout }) => [exitCode, stdout]),
      between,
      // Before it may stand that the server is not on its usual port.
      refused: [refused.exitCode, refused.stderr.trim().split('\n').at(-1)],
      reset: [reset.exitCode, reset.stdout.trim().split('\n').slice(-2)],
      after: await count(),
    }).toEqual({
      status: [
        0,
        [
          'product_db',
          'migration state',
          ...Array.from({ length: inAll }, (_, n) => `${String(n).padStart(4, '0')} applied`),
        ],
      ],
      before: 'products\n3\n',
      seeds: [
        [0, expect.stringContaining('auth has no seed.ts')],
        [0, 'seeded product_db with drizzle/product/seed.ts\n'],
      ],
      between: 'products\n6\n',
      refused: [1, 'db:reset: There is no terminal to ask on: add --yes. Nothing was changed.'],
      reset: [0, [`migrated product_db: ${inAll} applied, ${inAll} in all`, 'seeded product_db']],
      after: 'products\n4\n',
    })
  }, 120_000)
})
