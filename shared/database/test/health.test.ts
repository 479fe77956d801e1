import { describe, expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

describe('the health probe', () => {
  test('answers on a connection of its own, outside the pool', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database } = fixture
    const release = Promise.withResolvers<void>()
    const held = database.use(() => release.promise)
    await eventually(() => database.status().checkedOut === 1)
    const health = await database.health.check()
    expect(health).toMatchObject({ status: 'connected', code: null })
    expect(health.latencyMs).toBeGreaterThan(0)
    expect(database.status()).toMatchObject({ total: 1, waiting: 0 })
    release.resolve()
    await held
  })

  test('ten thousand at once are one question', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    await database.health.check()
    const count = async () =>
      (
        await firstRow<{ n: number }>(
          fixture
            .open({ name: 'counter', url: fixture.test.adminUrl })
            .db.execute(
              sql`select sum(xact_commit)::int as n from pg_stat_database where datname = current_database()`,
            ),
        )
      ).n
    const before = await count()
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => database.health.check()))
    expect(new Set(answers.map(({ checkedAt }) => checkedAt)).size).toBeLessThanOrEqual(2)
    expect((await count()) - before).toBeLessThan(20)
  })

  test('says by code why there is no answer, and never a password', async () => {
    const test = await withDatabase({ service: 'probe' })
    const url = new URL(test.appUrl)
    url.password = 'canary'
    const database = createDatabase({ name: 'refused', url: url.href })
    const health = await database.health.check()
    expect(health).toMatchObject({ status: 'disconnected', latencyMs: null, code: '28P01' })
    expect(JSON.stringify([health, database.events()])).not.toContain('canary')
    expect(database.events()).toMatchObject([{ type: 'health-failed', code: '28P01' }])
    expect(database.eventCounts()).toMatchObject({ 'health-failed': 1, 'connection-lost': 0 })
    expect(await database.health.details()).toBeNull()
    await database.close()
  })

  test('reports the server, the limits and the confinement of the role', async () => {
    const test = await withDatabase({ service: 'probe', connectionLimit: 9 })
    const database = createDatabase({ name: 'report', url: test.appUrl })
    await database.connect()
    const report = await database.health.details()
    expect(report).toMatchObject({
      inRecovery: false,
      role: { name: new URL(test.appUrl).username, connections: 2, connectionLimit: 9 },
      longestTransactionMs: null,
    })
    expect(report?.version).toMatch(/^18/)
    expect(report?.maxConnections).toBeGreaterThan(0)
    expect(report?.uptimeMs).toBeGreaterThan(0)
    await database.close()
    await test.drop()
  })

  test('asks nothing any more once the database is closed', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    await database.close()
    expect(await database.health.check()).toMatchObject({ status: 'disconnected', code: 'POOL_CLOSED' })
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
      const checking = database.health.check()
      for (let turn = 0; turn < moment; turn++) await new Promise((resolve) => setImmediate(resolve))
      await database.close()
      const { code } = await Promise.race([checking, { code: 'still asked' }])
      expect({ ...(await left()), code }).toEqual({ n: 0, code: code === null ? null : 'POOL_CLOSED' })
    }
  }, 30_000)

  test('finds a role that is not confined', async () => {
    const test = await withDatabase()
    const database = createDatabase({ name: 'superuser', url: test.adminUrl })
    const report = await database.health.details()
    expect(report?.confinement.confined).toBe(false)
    expect(report?.confinement.findings).toContain('superuser')
    await database.close()
    await test.drop()
  })

  test('sees the longest transaction of its role', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      expect((await database.health.details())?.longestTransactionMs).toBeGreaterThanOrEqual(0)
    })
  })
})
