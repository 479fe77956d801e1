import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@shared/database'
import { withDatabase } from '@shared/postgres/testing'
import { SQL } from 'bun'
import { copyWorkspace, type WorkspaceCopy } from '../new-service/workspace-copy.ts'

let copy: WorkspaceCopy
let schemaFolder: string
beforeAll(async () => {
  copy = await copyWorkspace()
  schemaFolder = join(copy.root, 'drizzle/product')
}, 120_000)
afterAll(() => copy?.remove())

async function drizzleKit(url: string, ...words: string[]) {
  const program = 'node_modules/drizzle-kit/bin.cjs'
  const child = Bun.spawn([process.execPath, program, ...words, '--config=drizzle.config.ts'], {
    cwd: schemaFolder,
    env: { ...process.env, DRIZZLE_URL: url },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 110_000,
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { exitCode, output: stdout + stderr }
}

test('drizzle-kit push makes the tables with the config of a schema, as the owner', async () => {
  await using database = await withDatabase({ service: 'product' })
  const { exitCode, output } = await drizzleKit(database.migratorUrl, 'push', '--force')
  await using sql = new SQL(database.appUrl, { max: 1 })
  const owners = await sql`select distinct tableowner from pg_tables where schemaname = 'public'`.catch(
    String,
  )
  expect({ exitCode, output, owners: [...owners] }).toEqual({
    exitCode: 0,
    output: expect.stringContaining('Changes applied'),
    owners: [{ tableowner: 'product_owner' }],
  })
}, 120_000)

test('drizzle-kit pull writes the schema of a database, where no migration is yet', async () => {
  await using database = await withDatabase({ service: 'product' })
  await migrate({ url: database.migratorUrl, migrationsFolder: join(schemaFolder, 'migrations') })
  rmSync(join(schemaFolder, 'migrations'), { recursive: true })
  const { exitCode, output } = await drizzleKit(database.migratorUrl, 'pull')
  const written = ['schema.ts', 'relations.ts', 'meta/_journal.json'].filter((file) =>
    existsSync(join(schemaFolder, 'migrations', file)),
  )
  expect({ exitCode, output, written }).toEqual({
    exitCode: 0,
    output: expect.any(String),
    written: ['schema.ts', 'relations.ts', 'meta/_journal.json'],
  })
  const first = new Bun.Glob('0000_*.sql').scanSync({ cwd: join(schemaFolder, 'migrations') }).next().value
  const text = readFileSync(join(schemaFolder, 'migrations', first ?? ''), 'utf8')
  expect({ schema: readFileSync(join(schemaFolder, 'migrations/schema.ts'), 'utf8'), text }).toEqual({
    schema: expect.stringContaining('export const products = pgTable("products"'),
    text: expect.stringMatching(/^-- .*\n[\s\S]*\/\*\nCREATE TABLE[\s\S]*\*\/\s*$/),
  })
}, 120_000)
