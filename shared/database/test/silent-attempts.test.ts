import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, type FaultProxy, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import type { Database } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

type Plain = Record<string, never>

let proxy: FaultProxy

beforeAll(async () => {
  const { host, port } = await testPostgres()
  proxy = await startFaultProxy({ target: { host, port } })
})
afterAll(() => proxy[Symbol.asyncDispose]())

// Attempts that meet silence would take all of this, and callers give up after a quarter of it: those are served for whom
// none was waited for to its end.
const connectTimeoutMs = 120_000

async function throughProxy(
  poolSize: number,
  fn: (database: Database<Plain>) => Promise<void>,
): Promise<void> {
  await using fixture = await createFixture()
  const url = proxy.url(fixture.test.appUrl)
  const pool = { poolSize, maxOverflow: 0 }
  try {
    await fn(fixture.open({ name: 'proxied', url, pool, connection: { connectTimeoutMs } }))
  } finally {
    await proxy.set('forward')
    proxy.cut()
  }
}

/** What becomes of twenty callers. */
async function outcomes(ask: (n: number) => Promise<unknown>) {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      ask(n).then(
        () => 'served',
        (error: { code?: string }) => error.code,
      ),
    ),
  )
  const served = answers.filter((answer) => answer === 'served').length
  return { served, others: answers.filter((answer) => answer !== 'served') }
}

const allServed = { served: 20, others: [] }

type Ask = (database: Database<Plain>) => (n: number) => Promise<unknown>

const ways: [string, Ask][] = [
  [
    'single statements',
    ({ db }) =>
      (n) =>
        firstRow(db.execute(sql`select ${n}::int as n`)),
  ],
  [
    'transactions',
    ({ db }) =>
      (n) =>
        db.transaction((tx) => tx.execute(sql`select ${n}::int as n`)),
  ],
]
const cases = ways.flatMap(([kind, ask]) => [1, 2, 3, 10].map((poolSize) => [kind, poolSize, ask] as const))

describe('the first three attempts meet silence and all later ones would be served', () => {
  test.each(cases)(
    '%s on a pool of %i, all of whose connections were cut',
    (_, poolSize, ask) =>
      throughProxy(poolSize, async (database) => {
        const all = Promise.withResolvers<void>()
        const opened = Array.from({ length: poolSize }, () => database.use(() => all.promise))
        await eventually(() => database.status().checkedOut === poolSize)
        all.resolve()
        await Promise.all(opened)
        proxy.muteNext(3)
        proxy.cut()
        await eventually(() => database.status().total === 0)
        expect(await outcomes(ask(database))).toEqual(allServed)
      }),
    60_000,
  )

  test.each(cases)(
    '%s on a cold pool of %i',
    (_, poolSize, ask) =>
      throughProxy(poolSize, async (database) => {
        proxy.muteNext(3)
        expect(await outcomes(ask(database))).toEqual(allServed)
      }),
    60_000,
  )

  test.each(cases)(
    '%s on a pool of %i whose server has refused attempts before',
    (_, poolSize, ask) =>
      throughProxy(poolSize, async (database) => {
        await proxy.set('refuse')
        const asked = outcomes(ask(database))
        await eventually(() => database.status().counters.connectFailures >= 8)
        await proxy.set('forward')
        proxy.muteNext(3)
        expect(await asked).toEqual(allServed)
      }),
    60_000,
  )
})
