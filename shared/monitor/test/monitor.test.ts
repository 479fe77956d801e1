import { describe, expect, test } from 'bun:test'
import { createDatabase, type Database, type SqlConnection } from '@shared/database'
import { eventually, startTestServer, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createMonitor, type ServerReport } from '../src/index.ts'
import { createMonitorWith } from '../src/monitor.ts'
import { createHealthProbe } from '../src/server/health-probe.ts'
import { createFixture, reportOf } from './fixture.ts'
import { createWorld, roomyServer, textsOf, unavailable } from './monitor-world.ts'

describe('samples', () => {
  test('tell what happened since the sample before', async () => {
    const world = createWorld({ poolSize: 10, maxOverflow: 20 })
    world.leases(1_000, { useMs: 1 })
    await world.seconds(1)
    world.answers.health = unavailable
    await world.seconds(1, () => {
      Object.assign(world.pool, {
        total: 13,
        idle: 1,
        checkedOut: 12,
        overflow: 3,
        connecting: 1,
        waiting: 2,
        behind: 5,
      })
      const { counters } = world.pool
      counters.timeouts += 1
      counters.saturations += 2
      counters.connectFailures += 3
      counters.closes.lost += 4
      world.leases(98, { useMs: 2 })
      world.leases(2, { useMs: 90_000, waitMs: 90_000 })
    })
    await world.seconds(1)
    const [first, second, third] = world.monitor.samples()
    expect(first).toMatchObject({ checkouts: 1_000, useP50Ms: 1, useP99Ms: 1, failures: 0, health: null })
    expect(second).toEqual({
      at: (first?.at ?? 0) + 1_000,
      idle: 1,
      used: 12,
      overflow: 3,
      connecting: 1,
      waiting: 2,
      behind: 5,
      max: 30,
      checkouts: 100,
      statements: null,
      waitP99Ms: 30_000,
      useP50Ms: 2.5,
      useP99Ms: 30_000,
      failures: 3,
      connectionFailures: 7,
      health: { status: 'connected', latencyMs: 1 },
      lagMs: null,
    })
    expect(third).toMatchObject({
      checkouts: 0,
      waitP99Ms: null,
      useP50Ms: null,
      useP99Ms: null,
      failures: 0,
      health: { status: 'disconnected', latencyMs: null },
    })
  })

  test('count what still waits, and what is still held, with the time until now', async () => {
    const world = createWorld()
    await world.seconds(1, () => {
      world.leases(1, { useMs: 1 })
      world.current.waiting.record(3_000)
      world.current.holding.record(20_000)
    })
    expect(world.monitor.samples()).toMatchObject([{ waitP99Ms: 5_000, useP50Ms: 1, useP99Ms: 30_000 }])
  })

  test('count the statements that ended, where somebody counts them', async () => {
    let ended = 40
    const world = createWorld({ statements: () => ended })
    await world.seconds(2, () => {
      ended += 25
    })
    expect(world.monitor.samples().map(({ statements }) => statements)).toEqual([25, 25])
  })

  test('are kept for ten minutes, and given from a time on', async () => {
    const world = createWorld()
    await world.seconds(650)
    const samples = world.monitor.samples()
    expect(samples.map(({ at }) => at)).toEqual(
      Array.from({ length: 600 }, (_, i) => world.now() - (599 - i) * 1_000),
    )
    expect(world.monitor.samples(world.now() - 2_000)).toEqual(samples.slice(-2))
    expect(world.monitor.samples(world.now())).toEqual([])
  })

  test('ask the cached probe once each, and for a report every 30 s', async () => {
    const world = createWorld()
    await world.seconds(61)
    expect(world.asked).toEqual({ check: 61, details: 3 })
    expect(world.monitor.seen()).toMatchObject({ health: { status: 'connected' }, server: roomyServer })
  })

  test('ask for no report while the database is unavailable', async () => {
    const world = createWorld()
    world.answers.health = unavailable
    await world.seconds(61)
    expect(world.asked).toEqual({ check: 61, details: 0 })
  })

  test('of one and the same moment are one', async () => {
    const world = createWorld()
    await world.seconds(1)
    world.monitor.sample()
    world.monitor.sample()
    expect(world.monitor.samples()).toHaveLength(1)
  })
})

/** A monitor of a real database whose seconds pass as the test wants. */
function watch(database: Database<Record<string, never>>, replicas = 1) {
  let now = 1_767_225_600_000
  const asked = new Set<Promise<unknown>>()
  function noted<T>(answer: Promise<T>): Promise<T> {
    asked.add(answer)
    return answer.finally(() => asked.delete(answer))
  }
  const probe = createHealthProbe(database, { now: () => now })
  const monitor = createMonitorWith(
    { check: () => noted(probe.check()), details: () => noted(probe.details()) },
    database,
    { replicas, now: () => now },
  )
  return {
    monitor,
    /** Lets seconds pass, and waits for the answers to what was asked in them. */
    async seconds(count: number) {
      for (let second = 0; second < count; second++) {
        now += 1_000
        monitor.sample()
      }
      while (asked.size > 0) {
        await Promise.all(asked)
        // What comes of an answer may be another question.
        await new Promise(setImmediate)
      }
    },
    /** Lets seconds pass until the database has answered, with such a report. */
    async reported(isIt: (report: ServerReport) => boolean = () => true) {
      await eventually(async () => {
        await this.seconds(1)
        const { health, server } = monitor.seen()
        return health?.status === 'connected' && server !== null && isIt(server)
      })
    },
    /** What is advised, but for that the probe got no answer in time: the machine may have been busy. */
    advice: () => monitor.advice().filter(({ code }) => code !== 'probe-failures'),
  }
}

describe('on a real server', () => {
  test('a pool held by slow statements is reported, with what there is and the statement', async () => {
    const pool = { poolSize: 2, maxOverflow: 0, sharedDepth: 1, checkoutTimeoutMs: 120_000 }
    // Nor are statements given up for dead where a busy server lets nobody in who looks for them.
    await using fixture = await createFixture({ pool, connection: { stallAfterMs: 0 } })
    const { database, health } = fixture
    const watched = watch(database)
    const slow = sql`select pg_sleep(600), 'a secret' as secret, ${'another'}::text`
    const running = database.within({ timeoutMs: 120_000 }, () =>
      Promise.allSettled(Array.from({ length: 7 }, () => Promise.resolve(database.db.execute(slow)))),
    )
    await eventually(() => database.status().waiting === 5)
    await eventually(async () => {
      const { statements } = await reportOf(health)
      return statements.length === 2 && statements.every(({ ageMs }) => ageMs >= 1_000)
    })
    await watched.seconds(60)
    await watched.reported(({ statements }) => statements.length === 2)
    const text = textsOf(watched.advice()).find(({ code }) => code === 'saturated')?.text
    expect(text).toMatch(
      /^2 of 2 connections are at the same statement, for up to [\d.]+ m?s so far: select pg_sleep\(\?\), \? as secret, \$1::text\. The pool of 2 was busy 100 % of the last 60 s with 5 waiting at the worst.*; 7 were wanted at once on average and the database has \d+ connections free.*: shorten what holds a connection\.$/,
    )
    await database.close({ timeoutMs: 0 })
    await running
  }, 120_000)

  test('a pool in use is given no advice', async () => {
    // Where the machine stands still for half a second, callers would wait for a ping.
    await using fixture = await createFixture({ pool: { prePingIdleMs: 60_000 } })
    const { database } = fixture
    const watched = watch(database)
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 5 }, () => database.db.execute(sql`select 1`)))
      await watched.seconds(1)
    }
    await watched.reported()
    expect(watched.advice()).toEqual([])
    expect(watched.monitor.samples().reduce((sum, { checkouts }) => sum + checkouts, 0)).toBe(50)
  })

  test('replicas that the limit of the role can not hold are advised, and one that it can is not', async () => {
    await using test = await withDatabase({ service: 'budget', connectionLimit: 25 })
    const database = createDatabase({ name: 'b', url: test.appUrl, pool: { poolSize: 4, maxOverflow: 6 } })
    const [one, three] = [watch(database), watch(database, 3)]
    await one.reported()
    await three.reported()
    expect(one.advice()).toEqual([])
    expect(textsOf(three.advice())).toEqual([
      {
        level: 'warning',
        code: 'budget',
        text: 'The pools of 3 replicas and health probes may open 33 connections, but the role’s CONNECTION LIMIT is 25: lower DATABASE_POOL_SIZE or DATABASE_MAX_OVERFLOW, or raise the limit.',
      },
    ])
    await database.close()
  })

  test('limits of the database and promises to other roles are read without special rights', async () => {
    await using server = await startTestServer({ settings: { max_connections: '40' } })
    const { appUrl } = await server.database('mine', { connectionLimit: 12 })
    await server.database('other', { connectionLimit: 23 })
    const admin = createDatabase({ name: 'admin', url: server.adminUrl })
    await admin.db.execute(sql`alter database mine_db connection limit 9`)
    await admin.close()
    const database = createDatabase({ name: 'mine', url: appUrl })
    expect(await reportOf(createMonitor(database).health)).toMatchObject({
      maxConnections: 40,
      reservedConnections: 3,
      databaseLimit: 9,
      promisedToOthers: 23,
      role: { connectionLimit: 12 },
    })
    await database.close()
  }, 120_000)

  test('a server that is stopped and comes back is critical, then remembered', async () => {
    await using server = await startTestServer()
    const { appUrl } = await server.database()
    const database = createDatabase({ name: 'outage', url: appUrl })
    const { monitor, seconds } = watch(database)
    // Longer than the start of the server takes: it was started while it was watched.
    await seconds(30)
    const becomes = (status: string) =>
      eventually(
        async () => {
          await seconds(1)
          return monitor.seen().health?.status === status
        },
        { timeoutMs: 60_000, intervalMs: 50 },
      )
    await server.stop({ mode: 'fast' })
    await becomes('disconnected')
    expect(monitor.advice().map(({ level, code }) => `${level} ${code}`)).toEqual(['critical database-down'])
    expect(textsOf(monitor.advice())[0]?.text).toMatch(
      /code (ECONNREFUSED|57P0\d|CONNECTION_LOST|CONNECTION_CLOSED)/,
    )
    await seconds(1)
    await server.restart()
    await becomes('connected')
    // The report that shows it comes with the next sample.
    await eventually(async () => {
      await seconds(1)
      return monitor.advice().some(({ code }) => code === 'restarted')
    })
    expect(monitor.advice().map(({ code }) => code)).toEqual(['restarted'])
    await seconds(4)
    await database.db.execute(sql`select 1`)
    expect(
      database
        .events()
        .map(({ type }) => type)
        .filter((type) => type === 'recovered'),
    ).toEqual(['recovered'])
    await database.close()
  }, 120_000)
})

/** A connection that notes which of its methods are called. */
function noting(connection: SqlConnection, called: string[]): SqlConnection {
  return new Proxy(connection, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        called.push(String(name))
        return Reflect.apply(member, target, given)
      }
    },
  })
}

describe('a monitor that was started', () => {
  test('takes a sample a second until it is stopped', async () => {
    await using fixture = await createFixture()
    const monitor = createMonitor(fixture.database)
    monitor.start()
    monitor.start()
    await eventually(() => monitor.samples().length >= 2)
    const [first, second] = monitor.samples()
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(500)
    monitor.stop()
    const kept = monitor.samples().length
    const other = createMonitor(fixture.database)
    other.start()
    await eventually(() => other.samples().length >= 2)
    other.stop()
    expect(monitor.samples()).toHaveLength(kept)
  })

  test('does not keep its process alive', async () => {
    const program = `
      const { createDatabase } = await import(${JSON.stringify(import.meta.resolve('@shared/database'))})
      const { createMonitor } = await import(${JSON.stringify(`${import.meta.dir}/../src/index.ts`)})
      createMonitor(createDatabase({ name: 'unrefed', url: 'postgres://nobody:x@127.0.0.1:1/nothing' })).start()
    `
    const child = Bun.spawn([process.execPath, '-e', program], {
      stdout: 'ignore',
      stderr: 'inherit',
      timeout: 100_000,
    })
    expect(await child.exited).toBe(0)
  }, 120_000)

  test('costs one small question a second and one report, on the probe’s connection and not the pool’s', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const asked: string[] = []
    const monitor = createMonitor({
      ...database,
      observe: (question) =>
        database.observe((connection, leftMs) => question(noting(connection, asked), leftMs)),
    })
    monitor.start()
    await eventually(() => monitor.samples().length >= 3 && asked.includes('run'))
    monitor.stop()
    expect(database.status()).toMatchObject({ total: 0, counters: { checkouts: 0, connects: 0 } })
    const pings = asked.filter((what) => what === 'ping')
    const reports = asked.filter((what) => what === 'run')
    expect(asked.toSorted()).toEqual([...pings, ...reports])
    // One at the start, and one with each sample.
    expect(pings.length).toBeLessThanOrEqual(monitor.samples().length + 1)
    // A probe without an answer, as on a busy machine, is a reason for another.
    expect(reports.length).toBeLessThanOrEqual(1 + database.eventCounts()['health-failed'])
  })
})

test.each([0, -1, 1.5, Number.NaN])('replicas of %p are refused', (replicas) => {
  const database = createDatabase({ name: 'x', url: 'postgres://a:b@c/d' })
  expect(() => createMonitor(database, { replicas })).toThrow(/replicas/)
})
