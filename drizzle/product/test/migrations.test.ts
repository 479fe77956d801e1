import { expect, test } from 'bun:test'
import { isAbsolute, resolve } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import journal from '../migrations/meta/_journal.json'
import * as schema from '../schema.ts'

type Snapshot = Parameters<typeof generateMigration>[0]

/** What `drizzle-kit generate` would write now; it compares with the newest snapshot. */
async function pendingStatements(tables: Record<string, unknown>): Promise<string[]> {
  const newest = String(journal.entries.at(-1)?.idx).padStart(4, '0')
  const snapshot = await Bun.file(`${import.meta.dir}/../migrations/meta/${newest}_snapshot.json`).json()
  return generateMigration(snapshot as Snapshot, generateDrizzleJson(tables))
}

test('drizzle-kit has nothing to generate: the migrations are up to date with the schema', async () => {
  expect(await pendingStatements(schema)).toEqual([])
})

test('a schema that drifts from its migrations is noticed', async () => {
  const { stock, ...withoutOne } = schema
  expect(await pendingStatements(withoutOne)).toContainEqual(expect.stringContaining('DROP TABLE "stock"'))
})

const own = resolve(import.meta.dir, '..')

test.each([
  ['the repository root', resolve(own, '../..')],
  ['its own folder', own],
])('drizzle.config.ts finds schema and migrations from %s', async (_name, cwd) => {
  const script = `console.log(JSON.stringify((await import('${own}/drizzle.config.ts')).default))`
  const child = Bun.spawn([process.execPath, '-e', script], { cwd, stdout: 'pipe' })
  const { schema, out } = (await new Response(child.stdout).json()) as { schema: string; out: string }
  expect({ schema: resolve(cwd, schema), out: resolve(cwd, out), relative: !isAbsolute(out) }).toEqual({
    schema: `${own}/schema.ts`,
    out: `${own}/migrations`,
    relative: true,
  })
})
