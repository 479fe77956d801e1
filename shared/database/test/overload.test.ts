import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { CheckoutTimeoutError, type Database, findDatabaseError, PoolSaturatedError } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

const maxWaiting = 8
const capacity = {
  pool: { poolSize: 4, maxOverflow: 0, maxWaiting, sharedDepth: 1 },
  // Nothing else is to be counted than what callers ask.
  connection: { definitionsCheckMs: 0 },
}

/**
 * Closed callers, until so many answers have come: each asks, takes its answer or its refusal, pauses when refused as a polite
 * client does, and asks again.
 */
async function runCallers(database: Database<Record<string, never>>, count: number, enough: number) {
  const seen = { served: 0, refused: 0, longestLine: 0, refusedWithRoom: 0, other: [] as unknown[] }
  const callers = Array.from({ length: count }, async (_, caller) => {
    for (let n = caller; seen.served < enough; n += count) {
      try {
        const work = database.db.transaction(async (tx) => {
          await tx.execute(sql`select pg_sleep(0.005)`)
          return firstRow<{ n: number }>(tx.execute(sql`select ${n}::int as n`))
        })
        seen.longestLine = Math.max(seen.longestLine, database.status().waiting)
        if ((await work).n === n) seen.served++
        else seen.other.push(`the answer of another one to ${n}`)
      } catch (error) {
        const known = findDatabaseError(error)
        if (known instanceof PoolSaturatedError) {
          const { waiting, checkedOut } = known.status
          seen.refused++
          if (waiting < maxWaiting || checkedOut < 4) seen.refusedWithRoom++
        } else seen.other.push(error)
        await sleep(25)
      }
    }
  })
  await Promise.all(callers)
  return seen
}

describe('ten times more callers than there is room for', () => {
  test('are refused before anything else happens, however they ask, and those in the queue are all served', async () => {
    await using fixture = await createFixture(capacity)
    const { database } = fixture
    const gate = Promise.withResolvers<void>()
    const held = Array.from({ length: 4 }, () => database.use(() => gate.promise))
    await eventually(() => database.status().checkedOut === 4)
    const queued = Array.from({ length: maxWaiting }, (_, i) =>
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
    expect(await Promise.all(queued)).toEqual(Array.from({ length: maxWaiting }, (_, i) => ({ i })))
    await eventually(() => database.status().checkedOut === 0)
  })

  test('are refused only when all is in use and the queue full, and cost those who are served nothing', async () => {
    await using fixture = await createFixture(capacity)
    const { database } = fixture
    // A caller that waits for a connect is in the queue too: all four are made before anybody is counted.
    const gate = Promise.withResolvers<void>()
    const held = Array.from({ length: 4 }, () => database.use(() => gate.promise))
    await eventually(() => database.status().checkedOut === 4)
    gate.resolve()
    await Promise.all(held)
    const room = await runCallers(database, 4 + maxWaiting, 200)
    const before = database.status().counters
    const crowd = await runCallers(database, 10 * (4 + maxWaiting), 200)
    const { total, checkedOut, waiting, counters } = database.status()
    expect({
      room: [room.refused, room.other],
      crowd: [crowd.refused > 0, crowd.refusedWithRoom, crowd.longestLine, crowd.other],
      pool: { total, checkedOut, waiting },
      // No lease was for nothing: each gave one caller its answer.
      leases: counters.checkouts - before.checkouts,
      saturations: counters.saturations - before.saturations,
      others: [counters.timeouts, counters.cancels, counters.connects - before.connects],
    }).toEqual({
      room: [0, []],
      crowd: [true, 0, maxWaiting, []],
      pool: { total: 4, checkedOut: 0, waiting: 0 },
      leases: crowd.served,
      saturations: crowd.refused,
      others: [0, 0, 0],
    })
  }, 60_000)

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
