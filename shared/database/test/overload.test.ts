import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { CheckoutTimeoutError, type Database, findDatabaseError, PoolSaturatedError } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

const maxWaiting = 8
const capacity = { pool: { poolSize: 4, maxOverflow: 0, maxWaiting, sharedDepth: 1 } }
const windowMs = 500

/** Closed callers: each asks, takes its answer or its refusal, pauses when refused as a polite client does, and asks again. */
async function runCallers(database: Database<Record<string, never>>, count: number) {
  const seen = { served: 0, refused: 0, longestLine: 0, other: [] as unknown[] }
  let stopped = false
  const callers = Array.from({ length: count }, async (_, caller) => {
    for (let n = caller; !stopped; n += count) {
      try {
        const work = database.db.transaction(async (tx) => {
          await tx.execute(sql`select pg_sleep(0.005)`)
          return firstRow<{ n: number }>(tx.execute(sql`select ${n}::int as n`))
        })
        seen.longestLine = Math.max(seen.longestLine, database.status().waiting)
        if ((await work).n === n) seen.served++
        else seen.other.push(`the answer of another one to ${n}`)
      } catch (error) {
        if (findDatabaseError(error) instanceof PoolSaturatedError) seen.refused++
        else seen.other.push(error)
        await sleep(25)
      }
    }
  })
  await sleep(windowMs)
  stopped = true
  await Promise.all(callers)
  return seen
}

describe('ten times more callers than there is room for', () => {
  test('are refused before anything else happens, however they ask, and those in line are all served', async () => {
    await using fixture = await createFixture(capacity)
    const { database } = fixture
    const gate = Promise.withResolvers<void>()
    const held = Array.from({ length: 4 }, () => database.use(() => gate.promise))
    await eventually(() => database.status().checkedOut === 4)
    const inLine = Array.from({ length: maxWaiting }, (_, i) =>
      firstRow(database.db.execute(sql`select ${i}::int as i`)),
    )
    await eventually(() => database.status().waiting === maxWaiting)

    let turned = false
    setImmediate(() => {
      turned = true
    })
    const refused = await Promise.allSettled(
      Array.from({ length: 36 }, async (_, i) => {
        if (i % 3 === 0) await database.db.execute(sql`select 1`)
        else if (i % 3 === 1) await database.db.transaction((tx) => tx.execute(sql`select 1`))
        else await database.use(({ db }) => db.execute(sql`select 1`))
      }),
    )
    // Promises alone have run: no timer, no socket, no turn of the event loop.
    expect(turned).toBe(false)
    for (const outcome of refused) {
      const error = findDatabaseError((outcome as PromiseRejectedResult).reason)
      expect(error).toBeInstanceOf(PoolSaturatedError)
      expect(error).toMatchObject({ code: 'POOL_SATURATED', status: { waiting: maxWaiting, checkedOut: 4 } })
    }
    expect(database.status()).toMatchObject({
      waiting: maxWaiting,
      checkedOut: 4,
      counters: { saturations: 36, timeouts: 0 },
    })

    gate.resolve()
    await Promise.all(held)
    expect(await Promise.all(inLine)).toEqual(Array.from({ length: maxWaiting }, (_, i) => ({ i })))
    await eventually(() => database.status().checkedOut === 0)
  })

  test('get as much done as those there is room for, and the line never grows past its bound', async () => {
    await using fixture = await createFixture(capacity)
    const { database } = fixture
    // A caller that waits for a connect is in line too: all four are made before anybody is counted.
    const gate = Promise.withResolvers<void>()
    const held = Array.from({ length: 4 }, () => database.use(() => gate.promise))
    await eventually(() => database.status().checkedOut === 4)
    gate.resolve()
    await Promise.all(held)
    const room = await runCallers(database, 4 + maxWaiting)
    const crowd = await runCallers(database, 10 * (4 + maxWaiting))
    expect(room).toMatchObject({ refused: 0, other: [] })
    expect(crowd.other).toEqual([])
    expect(crowd.refused).toBeGreaterThan(0)
    expect(crowd.longestLine).toBe(maxWaiting)
    // The same machine, a moment later: a third is far more than a pool that collapses does.
    expect(crowd.served).toBeGreaterThan(room.served / 3)
    const { total, checkedOut, waiting, counters } = database.status()
    expect({
      total,
      checkedOut,
      waiting,
      saturations: counters.saturations,
      closes: counters.closes,
    }).toEqual({
      total: 4,
      checkedOut: 0,
      waiting: 0,
      saturations: crowd.refused,
      closes: expect.objectContaining({ lost: 0, overflow: 0 }),
    })
  }, 20_000)

  test('with little time get their error by its end, and the pool is as before', async () => {
    await using fixture = await createFixture(capacity)
    const { database } = fixture
    const gate = Promise.withResolvers<void>()
    const held = Array.from({ length: 4 }, () => database.use(() => gate.promise))
    await eventually(() => database.status().checkedOut === 4)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, () => database.use(async () => {}, { timeoutMs: 30 })),
    )
    const kinds = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.constructor)
    expect(kinds.filter((kind) => kind === CheckoutTimeoutError)).toHaveLength(maxWaiting)
    expect(kinds.filter((kind) => kind === PoolSaturatedError)).toHaveLength(40 - maxWaiting)
    expect(database.status()).toMatchObject({ waiting: 0, checkedOut: 4 })
    gate.resolve()
    await Promise.all(held)
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
  })
})
