import { describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, startFaultProxy, testPostgres, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createMonitor } from '../src/index.ts'
import { createHealthProbe } from '../src/server/health-probe.ts'
import { createFixture, firstRow } from './fixture.ts'

describe('the health probe', () => {
  test('answers on a connection of its own, outside the pool', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database, health } = fixture
    const release = Promise.withResolvers<void>()
    const held = database.use(() => release.promise)
    await eventually(() => database.status().checkedOut === 1)
    const answer = await health.check()
    expect(answer).toMatchObject({ status: 'connected', code: null })
    expect(answer.latencyMs).toBeGreaterThan(0)
    expect(database.status()).toMatchObject({ total: 1, waiting: 0 })
    release.resolve()
    await held
  })

  test('ten thousand at once are one question', async () => {
    await using fixture = await createFixture()
    const { health } = fixture
    await health.check()
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
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => health.check()))
    expect(new Set(answers.map(({ checkedAt }) => checkedAt)).size).toBeLessThanOrEqual(2)
    expect((await count()) - before).toBeLessThan(20)
  })

  test('gives the code of the reason why there is no answer, and never a password', async () => {
    const test = await withDatabase({ service: 'probe' })
    const url = new URL(test.appUrl)
    url.password = 'canary'
    const database = createDatabase({ name: 'refused', url: url.href })
    const { health } = createMonitor(database)
    const answer = await health.check()
    expect(answer).toMatchObject({ status: 'disconnected', latencyMs: null, code: '28P01' })
    expect(JSON.stringify([answer, database.events()])).not.toContain('canary')
    expect(database.events()).toMatchObject([{ type: 'health-failed', code: '28P01' }])
    expect(database.eventCounts()).toMatchObject({ 'health-failed': 1, 'connection-lost': 0 })
    expect(await health.details()).toBeNull()
    await database.close()
  })

  test('reports the server, the limits and the confinement of the role', async () => {
    const test = await withDatabase({ service: 'probe', connectionLimit: 9 })
    const database = createDatabase({ name: 'report', url: test.appUrl })
    const { health } = createMonitor(database)
    await database.connect()
    const report = await health.details()
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

  test('reads disconnected at the end of the probe: the probe has a time of its own', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ name: 'probed', url: proxy.url(fixture.test.appUrl) })
    const { health } = createMonitor(database)
    expect(await health.check()).toMatchObject({ status: 'connected' })
    await proxy.set('freezeAll')
    await eventually(async () => (await health.check()).status === 'disconnected', {
      timeoutMs: 30_000,
    })
    expect(await health.check()).toMatchObject({ latencyMs: null, code: expect.any(String) })
    await proxy.set('forward')
    await eventually(async () => (await health.check()).status === 'connected')
  }, 60_000)

  test('finds a role that is not confined', async () => {
    const test = await withDatabase()
    const database = createDatabase({ name: 'superuser', url: test.adminUrl })
    const { health } = createMonitor(database)
    const report = await health.details()
    expect(report?.confinement.confined).toBe(false)
    expect(report?.confinement.findings).toContain('superuser')
    await database.close()
    await test.drop()
  })

  test('sees the longest transaction of its role', async () => {
    await using fixture = await createFixture()
    const { database, health } = fixture
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      expect((await health.details())?.longestTransactionMs).toBeGreaterThanOrEqual(0)
    })
  })
})

test('an answer that took long is still good for those who ask next, for half the time', async () => {
  let asked = 0
  let now = 0
  const failing = Promise.withResolvers<never>()
  const health = createHealthProbe(
    {
      observe: () => {
        asked++
        return failing.promise
      },
      record: () => undefined,
    },
    { cacheMs: 200, now: () => now },
  )
  const first = health.check()
  now = 300
  failing.reject(new Error('down'))
  await first
  const counts: number[] = []
  for (now of [399, 400]) {
    await health.check()
    counts.push(asked)
  }
  expect(counts).toEqual([1, 2])
})
