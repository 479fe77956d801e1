import { describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createMonitor } from '../src/index.ts'
import { createFixture, reportOf } from './fixture.ts'

describe('the statements of a role', () => {
  test('are shown with state, age and what they wait for, and without their data', async () => {
    await using fixture = await createFixture()
    const { database, health, test: place } = fixture
    const stranger = fixture.open({ name: 'stranger', url: place.adminUrl })
    const locked = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const idle = database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(4711) /* secret */`)
      locked.resolve()
      await gate.promise
    })
    const lockIn = (key: number) => sql.raw(`select pg_advisory_xact_lock(${key}), 'secret'`)
    await locked.promise
    const blocked = Promise.resolve(database.db.execute(lockIn(4711)))
    // A statement is shown a moment before it waits.
    const statements = await eventually(
      async () => {
        const { statements: shown } = await reportOf(health)
        expect(shown.toSorted((a, b) => a.state.localeCompare(b.state))).toEqual([
          {
            pid: expect.any(Number),
            state: 'active',
            ageMs: expect.any(Number),
            waitEvent: 'Lock/advisory',
            text: 'select pg_advisory_xact_lock(?), ?',
          },
          {
            pid: expect.any(Number),
            state: 'idle in transaction',
            ageMs: expect.any(Number),
            waitEvent: 'Client/ClientRead',
            text: 'select pg_advisory_xact_lock(?)',
          },
        ])
        return shown
      },
      { intervalMs: 100 },
    )
    // A superuser sees everybody's, and gets its own.
    const { statements: own } = await reportOf(createMonitor(stranger).health)
    expect(own.filter(({ pid }) => statements.some((other) => other.pid === pid))).toEqual([])
    gate.resolve()
    await Promise.all([idle, blocked])
  })

  test('have their text up to 10 000 characters, where the server keeps that much, and say how much is missing', async () => {
    await using server = await startTestServer({ settings: { track_activity_query_size: '32kB' } })
    await using stack = new AsyncDisposableStack()
    const database = createDatabase({ name: 'long', url: server.adminUrl })
    stack.defer(() => database.close({ timeoutMs: 500 }))
    const names = Array.from({ length: 900 }, (_, index) => `a as column${index}`)
    const long = `select ${names.join(',')} from (select current_date as a) t`
    const text = await database.db.transaction(async (tx) => {
      await tx.execute(sql.raw(long))
      const health = createMonitor(database).health
      return eventually(async () => (await reportOf(health)).statements[0]?.text ?? false)
    })
    expect(text).toBe(`${long.slice(0, 10_000)}… (${long.length - 10_000} more characters)`)
  }, 120_000)

  test('are none when nothing runs', async () => {
    await using fixture = await createFixture()
    await fixture.database.db.execute(sql`select 1`)
    await eventually(async () => (await reportOf(fixture.health)).statements.length === 0)
  })
})
