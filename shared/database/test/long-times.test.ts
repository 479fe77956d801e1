import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0, sharedDepth: 1 }

describe('times given to calls', () => {
  test.each([Number.POSITIVE_INFINITY, 2 ** 31, Number.MAX_VALUE])(
    '%d ms are no short time: what is under way ends by itself',
    async (timeoutMs) => {
      await using fixture = await createFixture({ pool: one })
      const { database } = fixture
      await database.connect({ timeoutMs })
      const gate = Promise.withResolvers<void>()
      const held = database.use(() => gate.promise)
      await eventually(() => database.status().checkedOut === 1)
      const row = database.within({ timeoutMs }, () =>
        firstRow(database.db.execute(sql`select 1 as n, pg_sleep(0.05)::text as slept`)),
      )
      const used = database.use(({ db }) => firstRow(db.execute(sql`select 2 as n`)), { timeoutMs })
      const pinged = database.ping({ timeoutMs })
      await eventually(() => database.status().waiting === 3)
      await sleep(30)
      gate.resolve()
      await held
      expect([await row, await used, await pinged]).toMatchObject([
        { n: 1 },
        { n: 2 },
        { latencyMs: expect.any(Number) },
      ])
    },
  )

  test('close() with no bound waits for what is under way', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.connect()
    const begun = Promise.withResolvers<void>()
    const closing = Promise.withResolvers<void>()
    const work = database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      begun.resolve()
      await closing.promise
      await tx.execute(sql`select pg_sleep(0.2)`)
      return firstRow(tx.execute(sql`select 'done' as state`))
    })
    await begun.promise
    const closed = database.close({ timeoutMs: Number.POSITIVE_INFINITY })
    closing.resolve()
    await closed
    expect(await work).toEqual({ state: 'done' })
  })
})
