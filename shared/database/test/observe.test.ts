import { describe, expect, test } from 'bun:test'
import { eventually, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow, observed } from './support.ts'

describe('observe()', () => {
  test('asks on one connection of its own, outside a pool that has none left', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database } = fixture
    const release = Promise.withResolvers<void>()
    const held = database.use(() => release.promise)
    await eventually(() => database.status().checkedOut === 1)
    const pids = await Promise.all([1, 2, 3].map(() => database.observe(async ({ pid }) => pid)))
    expect(new Set(pids).size).toBe(1)
    expect(database.status()).toMatchObject({ total: 1, waiting: 0, counters: { checkouts: 1 } })
    release.resolve()
    await held
  })

  test('asks nothing any more once the database is closed', async () => {
    await using fixture = await createFixture()
    await fixture.database.close()
    expect(await observed(fixture.database)).toBe('POOL_CLOSED')
  })

  test('leaves no backend and no question when it is closed, at whatever moment of its first connect', async () => {
    await using fixture = await createFixture()
    const { name } = fixture.database
    const observer = fixture.open({ name: 'observer', url: fixture.test.adminUrl })
    const left = () =>
      firstRow<{ n: number }>(
        observer.db.execute(
          sql`select count(*)::int as n from pg_stat_activity where application_name = ${`${name} health`}`,
        ),
      )
    await observer.connect()
    for (let moment = 0; moment < 30; moment++) {
      const database = fixture.open({ name })
      const asked = observed(database)
      for (let turn = 0; turn < moment; turn++) await new Promise((resolve) => setImmediate(resolve))
      await database.close()
      const outcome = await Promise.race([asked, 'still asked'])
      expect({ ...(await left()), outcome }).toEqual({
        n: 0,
        outcome: outcome === 'answers' ? 'answers' : 'POOL_CLOSED',
      })
    }
  }, 60_000)

  test('gives up on a server that does not answer, and asks on another connection when it does', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ name: 'observed', url: proxy.url(fixture.test.appUrl) })
    const before = await database.observe(async ({ pid }) => pid)
    await proxy.set('freezeAll')
    expect(await observed(database)).not.toBe('answers')
    await proxy.set('forward')
    await eventually(async () => (await observed(database)) === 'answers')
    expect(await database.observe(async ({ pid }) => pid)).not.toBe(before)
  }, 60_000)
})

test('record() adds an event of an observer to those of the pool, by its code alone', async () => {
  const types: string[] = []
  await using fixture = await createFixture({ onEvent: ({ type }) => types.push(type) })
  const { database } = fixture
  database.record('health-failed', Object.assign(new Error('secret'), { code: 'ECONNRESET' }))
  expect(database.events()).toEqual([{ type: 'health-failed', code: 'ECONNRESET', at: expect.any(String) }])
  expect({ types, count: database.eventCounts()['health-failed'] }).toEqual({
    types: ['health-failed'],
    count: 1,
  })
})
