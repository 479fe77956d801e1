import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { type DatabaseEvent, NestedCheckoutError } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

async function watched(pool: Record<string, unknown>) {
  const events: DatabaseEvent[] = []
  const fixture = await createFixture({ pool, onEvent: (event) => events.push(event) })
  // On a busy machine a checkout may be slow, which is an event too.
  const leases = () => events.filter(({ type }) => type.startsWith('lease-'))
  return { fixture, events, leases, types: () => leases().map(({ type }) => type) }
}

describe('what is held for too long', () => {
  test('is reported once with where it was taken, and once more when it comes back', async () => {
    const { fixture, leases, types } = await watched({ leakAfterMs: 40 })
    await using _ = fixture
    const release = Promise.withResolvers<void>()
    const held = fixture.database.use(() => release.promise)
    await eventually(() => types().includes('lease-leaked'))
    release.resolve()
    await held
    expect(types()).toEqual(['lease-leaked', 'lease-returned'])
    for (const { detail } of leases()) expect(detail).toContain('watch.test.ts')
  })

  test('is not reported when it is short', async () => {
    const { fixture, types } = await watched({ leakAfterMs: 60_000 })
    await using _ = fixture
    await fixture.database.db.transaction((tx) => tx.execute(sql`select 1`))
    expect(types()).toEqual([])
  })

  test('a slow checkout is reported with the numbers of the pool', async () => {
    const { fixture, events } = await watched({ slowCheckoutMs: 30, poolSize: 1, maxOverflow: 0 })
    await using _ = fixture
    await fixture.database.connect()
    const held = fixture.database.use(async ({ db }) => {
      await db.execute(sql`select pg_sleep(0.1)`)
    })
    await fixture.database.use(async () => {})
    await held
    const slow = events.filter(({ type }) => type === 'checkout-slow')
    expect(slow.length).toBeGreaterThan(0)
    expect(slow[0]?.detail).toMatch(/^waited \d+ ms; \d+ checked out, \d+ idle, \d+ connecting, \d+ waiting$/)
  })

  test('nested use is reported with both places', async () => {
    const { fixture } = await watched({ poolSize: 1, maxOverflow: 0 })
    await using _ = fixture
    const { database } = fixture
    const error = await database
      .use(() => database.use(async () => {}))
      .catch((thrown: unknown) => thrown as NestedCheckoutError)
    expect(error).toBeInstanceOf(NestedCheckoutError)
    if (!(error instanceof NestedCheckoutError)) return
    expect(error.heldAt).toHaveLength(1)
    expect(error.heldAt[0]).toContain('watch.test.ts')
    expect(error.message).toContain('watch.test.ts')
  })

  test('what was started inside a transaction and lives on waits its turn as any other', async () => {
    const { fixture } = await watched({ poolSize: 1, maxOverflow: 0 })
    await using _ = fixture
    const { database } = fixture
    const tick = Promise.withResolvers<void>()
    const cache = await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      return { filled: tick.promise.then(() => firstRow(database.db.execute(sql`select ${7}::int as n`))) }
    })
    const held = Promise.withResolvers<void>()
    const holding = database.use(() => held.promise)
    await eventually(() => database.status().checkedOut === 1)
    tick.resolve()
    await eventually(() => database.status().waiting === 1)
    held.resolve()
    await holding
    expect(await cache.filled).toEqual({ n: 7 })
  })
})
