import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  eventually,
  type FaultMode,
  type FaultProxy,
  startFaultProxy,
  testPostgres,
} from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import type { Database, DatabaseEvent, DatabaseOptions } from '../src/index.ts'
import { type Callers, kindsOf, startCallers } from './callers.ts'
import { createFixture, firstRow } from './support.ts'

type Plain = Record<string, never>
type Options = Partial<DatabaseOptions<Plain>>

let proxy: FaultProxy

beforeAll(async () => {
  const { host, port } = await testPostgres()
  proxy = await startFaultProxy({ target: { host, port } })
})
afterAll(() => proxy[Symbol.asyncDispose]())

/** The layer through the proxy, which forwards again when the test is over. */
async function throughProxy(options: Options, fn: (database: Database<Plain>) => Promise<void>) {
  await using fixture = await createFixture()
  const url = proxy.url(fixture.test.appUrl)
  try {
    await fn(fixture.open({ ...options, name: 'proxied', url }))
  } finally {
    await proxy.set('forward')
  }
}

const ask = (database: Database<Plain>, n: number) =>
  firstRow(database.db.execute(sql`select ${n}::int as n`)).then((row) => {
    if (row.n !== n) throw new Error(`asked for ${n}, got ${row.n}`)
  })

/** Twenty callers on a pool of ten that is warm. */
async function loaded(options: Options, fn: (database: Database<Plain>, callers: Callers) => Promise<void>) {
  await throughProxy({ ...options, pool: { poolSize: 10, ...options.pool } }, async (database) => {
    const callers = startCallers(20, (n) => ask(database, n))
    try {
      await eventually(() => callers.answered >= 200 && database.status().total >= 10)
      await fn(database, callers)
    } finally {
      await callers.stop()
    }
  })
}

/** Waits until every caller is served again, and for a hundred answers more. */
async function served(callers: Callers): Promise<void> {
  await eventually(() => callers.unserved === 0)
  const { answered } = callers
  await eventually(() => callers.answered > answered + 100)
}

const otherThanLost = (callers: Callers) =>
  Object.keys(kindsOf(callers)).filter((kind) => kind !== 'lost, unknown')

const bound = 60_000

describe('sockets cut under load', () => {
  test(
    'fail what was under way, as lost; every caller is served again and no lease is left',
    () =>
      loaded({}, async (database, callers) => {
        for (let round = 0; round < 5; round++) {
          proxy.cut()
          callers.mark()
          await served(callers)
        }
        await callers.stop()
        expect(otherThanLost(callers)).toEqual([])
        // What was cancelled to make way ends in the background.
        await eventually(() => database.status().checkedOut === 0)
        expect(database.status()).toMatchObject({ waiting: 0, counters: { defects: 0 } })
      }),
    bound,
  )

  test(
    'fail nobody who lets reads be repeated',
    () =>
      loaded({ connection: { retryReads: true } }, async (_, callers) => {
        for (let round = 1; round <= 5; round++) {
          proxy.cut()
          callers.mark()
          await served(callers)
        }
        expect(kindsOf(callers)).toEqual({})
      }),
    bound,
  )
})

describe('a server that can not be reached after its sockets were cut', () => {
  // What a caller asks when no connection is left is not in flight: it waits, and is answered.
  const waitsOut = (mode: FaultMode, options: Options, failures: number) => {
    /** How many other attempts were under way when one had failed. */
    const beside: number[] = []
    let connecting = () => 0
    const onEvent = ({ type }: DatabaseEvent) => void (type === 'connect-failed' && beside.push(connecting()))
    return loaded({ ...options, onEvent }, async (database, callers) => {
      connecting = () => database.status().connecting
      await proxy.set(mode)
      proxy.cut()
      await eventually(() => database.status().total - database.status().connecting === 0)
      callers.mark()
      const lost = callers.failures.length
      await eventually(() => beside.length >= failures)
      await eventually(() => callers.asking === 20)
      await proxy.set('forward')
      await served(callers)
      expect({
        failed: callers.failures.slice(lost).filter(({ marks }) => marks === 1),
        otherThanLost: otherThanLost(callers),
        // Only the pool's ten began together. Then one at a time, however many wait, and one beside what a busy machine kept silent.
        beside: beside.slice(10, failures).filter((others) => others > 1),
      }).toEqual({ failed: [], otherThanLost: [], beside: [] })
    })
  }

  test('for a second: nobody but those in flight fails', () => waitsOut('refuse', {}, 15), bound)

  test(
    'accepts and closes: attempts are paced and all who wait are served',
    () => waitsOut('acceptThenClose', {}, 15),
    bound,
  )

  test(
    'accepts and says nothing: an attempt ends at its deadline and all who wait are served',
    () => waitsOut('acceptThenMute', { connection: { connectTimeoutMs: 900 } }, 1),
    bound,
  )
})

describe('a network that is slow', () => {
  // Nothing else is to be counted than what callers ask.
  const oneConnection = {
    // A busy machine is no slow server: nothing but the round trips is to be counted.
    pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000, slowStatementMs: 10_000 },
    connection: { definitionsCheckMs: 0, stallAfterMs: 0 },
  }

  test(
    'costs a warm statement one round trip, prepared or without parameters, and a transaction of n statements n + 1',
    () =>
      throughProxy(oneConnection, async (database) => {
        const { db } = database
        const roundTrips = async (work: () => PromiseLike<unknown>) => {
          await work()
          const before = proxy.roundTrips
          for (let i = 0; i < 5; i++) await work()
          return (proxy.roundTrips - before) / 5
        }
        await ask(database, 0)
        await proxy.set({ delayMs: 5 })
        expect({
          prepared: await roundTrips(() => ask(database, 1)),
          plain: await roundTrips(() => db.execute(sql`select 1`)),
          transaction: await roundTrips(() => db.transaction((tx) => tx.execute(sql`select ${1}::int`))),
          transactionOfThree: await roundTrips(() =>
            db.transaction(
              async (tx) => {
                for (let n = 0; n < 3; n++) await tx.execute(sql`select ${n}::int`)
              },
              { isolationLevel: 'serializable' },
            ),
          ),
          plainTransaction: await roundTrips(() => db.transaction((tx) => tx.execute(sql`select 1`))),
          pipelined: await roundTrips(() => Promise.all([1, 2, 3, 4].map((n) => ask(database, n)))),
        }).toEqual({
          prepared: 1,
          plain: 1,
          transaction: 2,
          transactionOfThree: 4,
          plainTransaction: 2,
          pipelined: 1,
        })
      }),
    bound,
  )

  test(
    'is not taken for a slow server: statements share a connection all the same, and none is made to make way',
    () =>
      // Half a second is the network's; 400 ms more would be a server's that a busy machine keeps from its work.
      throughProxy(
        { ...oneConnection, pool: { ...oneConnection.pool, slowStatementMs: 400 } },
        async (database) => {
          await proxy.set({ delayMs: 250 })
          await ask(database, 0)
          // The first run of a text asks the server twice, and counts as slow for a while.
          for (let n = 0; n < 5; n++) await ask(database, n)
          const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => ask(database, n)))
          expect({ answers: answers.length, preemptions: database.status().counters.preemptions }).toEqual({
            answers: 8,
            preemptions: 0,
          })
        },
      ),
    bound,
  )

  test(
    'is not taken for one that is dead: rows that trickle in for longer than the watch waits arrive whole',
    () =>
      throughProxy({ connection: { stallAfterMs: 500 } }, async (database) => {
        await ask(database, 0)
        await proxy.set({ bytesPerSecond: 50_000 })
        const row = await firstRow<{ text: string }>(
          database.db.execute(sql`select repeat('x', ${100_000}::int) as text`),
        )
        expect(row.text).toHaveLength(100_000)
        expect(database.events()).toEqual([])
      }),
    bound,
  )
})

describe('old sockets that go silent under load', () => {
  const halfOpen = (connection: Options['connection'], fn: (callers: Callers) => void) =>
    loaded({ connection }, async (database, callers) => {
      await proxy.set('freezeOld')
      callers.mark()
      await served(callers)
      // On a socket that is alive: silent for several times as long as those that were dead, and left alone.
      const report = await firstRow(database.db.execute(sql`select 'done' as state, pg_sleep(3)`))
      expect(report).toMatchObject({ state: 'done' })
      await callers.stop()
      fn(callers)
    })

  test(
    'fail as lost and let every caller be served again, while a long statement on a new one runs on',
    () =>
      halfOpen({}, (callers) => {
        expect(otherThanLost(callers)).toEqual([])
      }),
    bound,
  )

  test(
    'fail nobody who lets reads be repeated',
    () => halfOpen({ retryReads: true }, (callers) => expect(kindsOf(callers)).toEqual({})),
    bound,
  )
})
