import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow, observed } from './support.ts'

/** Keeps the event loop from turning. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** How long beyond its timeout: a timer that was late runs as long again, up to a second, which a server may need. */
const beyondMs = 1_100

const turn = () => new Promise((resolve) => setImmediate(resolve))

const counts = ({ pings, pingFailures, invalidations, timeouts, connectFailures, closes }: Counters) => ({
  pings: pings > 0,
  failures: pingFailures + invalidations + timeouts + connectFailures,
  closed: Object.values(closes).reduce((sum, count) => sum + count, 0),
})
type Counters = ReturnType<Awaited<ReturnType<typeof createFixture>>['database']['status']>['counters']

describe('an event loop that was blocked for longer than a timeout', () => {
  test.each([
    ['in the turn in which they begin', 0],
    ['after one turn', 1],
  ] as const)(
    '%s: pings are answered and no connection is closed',
    async (_, turns) => {
      await using fixture = await createFixture({
        pool: { poolSize: 5, maxOverflow: 0, prePingIdleMs: 0, prePingTimeoutMs: 400 },
      })
      const { database } = fixture
      /** The pids of all five connections, each held by one caller until every one has its own. */
      const five = () => {
        const all = Promise.withResolvers<void>()
        let inside = 0
        const hold = async ({ pid }: { pid: number }) => {
          if (++inside === 5) all.resolve()
          await all.promise
          return pid
        }
        return Promise.all(Array.from({ length: 5 }, () => database.use(hold)))
      }
      const before = await five()
      const asked = five()
      for (let n = 0; n < turns; n++) await turn()
      block(400 + beyondMs)
      expect((await asked).sort()).toEqual(before.sort())
      expect(counts(database.status().counters)).toEqual({ pings: true, failures: 0, closed: 0 })
    },
    60_000,
  )

  test('attempts to connect go on, at whatever moment', async () => {
    await using fixture = await createFixture()
    const databases = Array.from({ length: 5 }, () =>
      fixture.open({ name: 'blocked', connection: { connectTimeoutMs: 500 } }),
    )
    const connecting: Promise<void>[] = []
    for (const database of databases) {
      connecting.push(database.connect({ timeoutMs: 60_000 }))
      await turn()
    }
    block(500 + beyondMs)
    await Promise.all(connecting)
    expect(databases.map((database) => counts(database.status().counters))).toEqual(
      databases.map(() => ({ pings: false, failures: 0, closed: 0 })),
    )
  }, 60_000)

  test('the caller in the queue gets the connection that had come free in time', async () => {
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0, checkoutTimeoutMs: 300, prePing: false },
    })
    const { database } = fixture
    await database.connect()
    const held = database.use(({ db }) => db.execute(sql`select pg_sleep(0.05)`))
    const waiting = database.use(({ db }) => firstRow(db.execute(sql`select 7 as n`)))
    await turn()
    block(300 + beyondMs)
    await held
    expect(await waiting).toEqual({ n: 7 })
  }, 60_000)

  test('a statement whose answer had arrived has it, under a deadline too', async () => {
    await using fixture = await createFixture({ pool: { prePing: false } })
    const { database } = fixture
    await database.connect()
    const asked = database.within({ timeoutMs: 300 }, () =>
      firstRow(database.db.execute(sql`select 7 as n from pg_sleep(0.05)`)),
    )
    await turn()
    block(300 + beyondMs)
    expect(await asked).toEqual({ n: 7 })
  }, 60_000)

  test('a question outside the pool has its answer', async () => {
    await using fixture = await createFixture()
    const asked = observed(fixture.database)
    await turn()
    block(2_000 + beyondMs)
    expect(await asked).toBe('answers')
  }, 60_000)
})
