import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { countStatements } from '../src/context/statement-counts.ts'
import { createServiceApp } from '../src/index.ts'

test('statements are counted by their kind, of which there are a hundred at most, and without values', async () => {
  await using postgres = await withDatabase()
  const database = createDatabase({ name: 'counted', url: postgres.appUrl })
  const statements = countStatements('counted')
  const app = createServiceApp({
    service: 'counted',
    version: '1',
    database,
    statements,
    health: { details: 'always' },
  })
  for (const list of [[1], [1, 2], [1, 2, 3]])
    await database.db.execute(sql`select 'canary' from pg_am where oid in ${list}`)
  await database.db.execute(sql`select nothing`).catch(() => undefined)
  for (let i = 0; i < 120; i++) await database.db.execute(sql.raw(`select ${i} as column_${i}`))
  const text = await (await app.request('/metrics')).text()
  const [inList, failed] = [/pg_am/, /select nothing/].map((found) =>
    statements.list().find(({ statement }) => found.test(statement)),
  )
  expect({
    kinds: statements.list().length,
    sent: statements.sent,
    calls: statements.list().reduce((sum, { calls }) => sum + calls, 0),
    inList: { summary: inList?.summary, calls: inList?.calls, errors: inList?.errors },
    failed: { calls: failed?.calls, errors: failed?.errors },
    others: statements.list().find(({ fingerprint }) => fingerprint === 'other')?.calls,
    series: [...text.matchAll(/^db_client_statement_calls_total\{/gm)].length,
    inFlight: /^http_requests_in_flight 0$/m.test(text),
    shown: text.includes('canary'),
  }).toEqual({
    kinds: 101,
    sent: 124,
    calls: 124,
    inList: { summary: 'SELECT pg_am', calls: 3, errors: 0 },
    failed: { calls: 1, errors: 1 },
    others: 22,
    series: 101,
    inFlight: true,
    shown: false,
  })
  const detailed = (await (await app.request('/health/detailed')).json()) as { queries: unknown[] }
  expect(detailed.queries).toHaveLength(20)
  statements.stop()
  await database.close()
})

test('a statement that never had a connection is called, and not sent', async () => {
  // Nothing listens on port 1.
  const url = 'postgresql://nobody:secret@127.0.0.1:1/none'
  const database = createDatabase({ name: 'absent', url, pool: { checkoutTimeoutMs: 50 } })
  const statements = countStatements('absent')
  await database.db.execute(sql`select 1`).catch(() => undefined)
  expect({ sent: statements.sent, calls: statements.list().map(({ calls }) => calls) }).toEqual({
    sent: 0,
    calls: [1],
  })
  statements.stop()
  await database.close()
})
