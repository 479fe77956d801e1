import { describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, startFaultProxy, testPostgres, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createMonitor, type DatabaseHealth } from '../src/index.ts'
import { createHealthProbe } from '../src/server/health-probe.ts'
import { connectedOf, createFixture, reportOf } from './fixture.ts'

describe('the health probe', () => {
  test('answers on a connection of its own, outside the pool', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database, health } = fixture
    const release = Promise.withResolvers<void>()
    const held = database.use(() => release.promise)
    await eventually(() => database.status().checkedOut === 1)
    const answer = await connectedOf(health)
    expect(answer).toMatchObject({ status: 'connected', code: null })
    expect(answer.latencyMs).toBeGreaterThan(0)
    expect(database.status()).toMatchObject({ total: 1, waiting: 0 })
    release.resolve()
    await held
  })

  test('ten thousand at once are one question', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    let questions = 0
    const { health } = createMonitor({
      ...database,
      observe(question) {
        questions++
        return database.observe(question)
      },
    })
    await connectedOf(health)
    questions = 0
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => health.check()))
    expect(new Set(answers.map(({ checkedAt }) => checkedAt)).size).toBeLessThanOrEqual(2)
    // One where the answer before them is too old, or becomes so meanwhile.
    expect(questions).toBeLessThanOrEqual(1)
  })

  test('gives the code of the reason why there is no answer, and never a password', async () => {
    const test = await withDatabase({ service: 'probe' })
    const url = new URL(test.appUrl)
    url.password = 'canary'
    const database = createDatabase({ name: 'refused', url: url.href })
    const { health } = createMonitor(database, { cacheMs: 0 })
    const answers: DatabaseHealth[] = []
    // A server that takes longer than the probe has is another reason.
    await eventually(async () => {
      answers.push(await health.check())
      return answers.at(-1)?.code === '28P01'
    })
    expect(answers.at(-1)).toMatchObject({ status: 'disconnected', latencyMs: null })
    expect(JSON.stringify([answers, database.events()])).not.toContain('canary')
    expect(database.events().map(({ type, code }) => ({ type, code }))).toEqual(
      answers.map(({ code }) => ({ type: 'health-failed', code })),
    )
    expect(database.eventCounts()).toMatchObject({ 'health-failed': answers.length, 'connection-lost': 0 })
    expect(await health.details()).toBeNull()
    await database.close()
  })

  test('reports the server, the limits and the confinement of the role', async () => {
    const test = await withDatabase({ service: 'probe', connectionLimit: 9 })
    const database = createDatabase({ name: 'report', url: test.appUrl })
    const { health } = createMonitor(database)
    await database.connect()
    // A connection that was out of time is one of the role's until the server has let go of it.
    const report = await eventually(async () => {
      const shown = await reportOf(health)
      expect(shown).toMatchObject({
        inRecovery: false,
        role: { name: new URL(test.appUrl).username, connections: 2, connectionLimit: 9 },
        longestTransactionMs: null,
      })
      return shown
    })
    expect(report.version).toMatch(/^18/)
    expect(report.maxConnections).toBeGreaterThan(0)
    expect(report.uptimeMs).toBeGreaterThan(0)
    await database.close()
    await test.drop()
  })

  test('reads disconnected at the end of the probe: the probe has a time of its own', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ name: 'probed', url: proxy.url(fixture.test.appUrl) })
    const { health } = createMonitor(database)
    await connectedOf(health)
    await proxy.set('freezeAll')
    await eventually(async () => (await health.check()).status === 'disconnected')
    expect(await health.check()).toMatchObject({ latencyMs: null, code: expect.any(String) })
    await proxy.set('forward')
    await connectedOf(health)
  }, 120_000)

  test('finds a role that is not confined', async () => {
    const test = await withDatabase()
    const database = createDatabase({ name: 'superuser', url: test.adminUrl })
    const { health } = createMonitor(database)
    const { confinement } = await reportOf(health)
    expect(confinement.confined).toBe(false)
    expect(confinement.findings).toContain('superuser')
    await database.close()
    await test.drop()
  })

  test('sees the longest transaction of its role', async () => {
    await using fixture = await createFixture()
    const { database, health } = fixture
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      expect((await reportOf(health)).longestTransactionMs).toBeGreaterThanOrEqual(0)
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
