import { expect, test } from 'bun:test'
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
  const { sessions, ...withoutOne } = schema
  expect(await pendingStatements(withoutOne)).toContainEqual(expect.stringContaining('DROP TABLE "sessions"'))
})
