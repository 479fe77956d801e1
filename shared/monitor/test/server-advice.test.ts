import { describe, expect, test } from 'bun:test'
import {
  connected,
  createWorld,
  roomyServer,
  lockedStatement as statement,
  unavailable,
} from './monitor-world.ts'

describe('the database', () => {
  test('that does not answer is critical, with the time since when and the code', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.answers.health = unavailable
    await world.seconds(42)
    expect(world.texts()).toEqual([
      {
        level: 'critical',
        code: 'database-down',
        text: 'The database has not answered since 2026-01-01T00:00:11.000Z (41 s, code ECONNREFUSED): check the server and the way to it.',
      },
    ])
  })

  test('that was unavailable for a moment is remembered for a minute', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.answers.health = unavailable
    await world.seconds(3)
    world.answers.health = connected
    await world.seconds(20)
    expect(world.texts()).toEqual([
      {
        level: 'warning',
        code: 'probe-failures',
        text: "The database answers again, but in 3 of the last 33 samples it was unavailable: look at the server's log.",
      },
    ])
    await world.seconds(60)
    expect(world.codes()).toEqual([])
  })

  test('that loses connections while it answers is worth a look', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.pool.counters.closes.lost += 3
    world.pool.counters.connectFailures += 1
    await world.seconds(3)
    expect(world.text('failures')).toBe(
      "In the last 13 s 3 connections were lost and 1 connect failed while the database answers: look at the events' codes, at the server's log and at what lies between.",
    )
    await world.seconds(60)
    expect(world.codes()).toEqual([])
  })

  test('that has no connection left says so, and is critical while callers wait', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.pool.counters.connectFailures += 2
    world.pool.waiting = 3
    world.events.push({ type: 'connect-failed', code: '53300', at: new Date(world.now()).toISOString() })
    await world.seconds(1)
    expect(world.texts()).toMatchObject([
      {
        level: 'critical',
        code: 'failures',
        text: expect.stringContaining(
          '2 connects failed (53300) while the database answers: the server has no connection left for this role',
        ),
      },
    ])
  })

  test('that loses a connection may be going down: that is judged when it has answered since', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.pool.counters.closes.lost += 1
    await world.seconds(2)
    const before = world.codes()
    await world.seconds(1)
    expect({ before, after: world.codes() }).toEqual({ before: [], after: ['failures'] })
  })

  test('that has no connection left for the health probe either says so', async () => {
    const world = createWorld()
    await world.seconds(2)
    world.answers.health = { ...unavailable, code: '53300' }
    await world.seconds(2)
    expect(world.text('database-down')).toMatch(
      /^The server has had no connection left for this role, nor for its health probe, since .*, code 53300\): close connections of others,/,
    )
  })

  test('that was started again explains what was lost with it', async () => {
    const world = createWorld()
    await world.seconds(30)
    world.answers.health = unavailable
    world.pool.counters.closes.lost += 3
    await world.seconds(2)
    world.answers.health = connected
    world.answers.server = { ...roomyServer, uptimeMs: 1_500 }
    await world.seconds(2)
    expect(world.texts()).toEqual([
      {
        level: 'info',
        code: 'restarted',
        text: 'The server was started 1.5 s ago: 3 connections were lost with it, in 2 samples it did not answer, nothing failed; it answers again.',
      },
    ])
  })

  test('that runs a statement for long shows it, without its data', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 12_000 }] }
    await world.seconds(9)
    expect(world.texts()).toEqual([
      {
        level: 'warning',
        code: 'slow-statement',
        text: `A statement had been running for 12 s when seen 8 s ago, waiting for Lock/transactionid: ${statement.text}`,
      },
    ])
  })

  test('that runs short ones only is left alone, and so is what was seen long ago', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 4_999 }] }
    await world.seconds(1)
    expect(world.codes()).toEqual([])
    world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 60_000 }] }
    await world.seconds(30)
    expect(world.codes()).toEqual(['slow-statement'])
    world.answers.server = null
    await world.seconds(45)
    expect(world.codes()).toEqual([])
  })

  test('that keeps an idle transaction open shows its last statement', async () => {
    const world = createWorld()
    const idle = { ...statement, state: 'idle in transaction', waitEvent: 'Client/ClientRead' }
    world.answers.server = { ...roomyServer, statements: [{ ...idle, ageMs: 9_999 }] }
    await world.seconds(1)
    expect(world.codes()).toEqual([])
    world.answers.server = { ...roomyServer, statements: [{ ...idle, ageMs: 125_000 }] }
    await world.seconds(30)
    expect(world.text('idle-transaction')).toBe(
      `A transaction had been idle for 2.1 min, holding a connection and its locks; its last statement was: ${statement.text}`,
    )
  })
})

describe('a lease that is held for too long', () => {
  const leaked = (at: number) => ({
    type: 'lease-leaked' as const,
    code: null,
    at: new Date(at).toISOString(),
    detail: 'held for 60000 ms, taken at orders.ts:12',
  })

  test('is named with its place while it is held', async () => {
    const world = createWorld()
    await world.seconds(1)
    world.events.push(leaked(world.now()))
    world.pool.oldestLeaseMs = 75_000
    expect(world.text('leaked-lease')).toBe(
      'A connection is kept from the pool: held for 60000 ms, taken at orders.ts:12, the oldest lease being 75 s old; do nothing but database work inside a transaction.',
    )
  })

  test('is remembered once it came back where the pool had no other one left', async () => {
    const world = createWorld({ poolSize: 1 })
    await world.seconds(2)
    world.events.push(leaked(world.now()))
    await world.seconds(2, () =>
      Object.assign(world.pool, { checkedOut: 1, waiting: 1, longestWaitMs: 1_000, oldestLeaseMs: 75_000 }),
    )
    Object.assign(world.pool, { checkedOut: 0, waiting: 0, longestWaitMs: null, oldestLeaseMs: null })
    world.events.push({ ...leaked(world.now()), type: 'lease-returned' })
    await world.seconds(5)
    expect(world.text('leaked-lease')).toBe(
      'Until 5 s ago a connection was kept from the pool: held for 60000 ms, taken at orders.ts:12; do nothing but database work inside a transaction.',
    )
  })

  test('is forgotten once it came back, be it reported or not', async () => {
    const world = createWorld()
    await world.seconds(1)
    world.events.push(leaked(world.now()))
    world.pool.oldestLeaseMs = null
    expect(world.codes()).toEqual([])
    await world.seconds(10)
    world.pool.oldestLeaseMs = 5_000
    expect(world.codes()).toEqual([])
    world.pool.oldestLeaseMs = 75_000
    world.events.push({ ...leaked(world.now()), type: 'lease-returned' })
    expect(world.codes()).toEqual([])
  })
})

test('the worst comes first', async () => {
  const world = createWorld({ poolSize: 40, maxOverflow: 80 })
  world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 12_000 }] }
  await world.seconds(60, () => {
    Object.assign(world.pool, { total: 45, checkedOut: 45, overflow: 5 })
  })
  world.answers.health = unavailable
  await world.seconds(2)
  expect(world.monitor.advice().map(({ level, code }) => `${level} ${code}`)).toEqual([
    'critical database-down',
    'warning budget',
    'warning slow-statement',
    'info overflow',
  ])
})

describe('a ceiling that the processes of the role share', () => {
  const ceiling = { limit: 67, used: 67, processes: 30, allowance: 2, isReached: true, isOn: true }

  test.each([
    ['is worth knowing when it is reached', {}, 0, 'info'],
    ['is a warning when callers wait', {}, 3, 'warning'],
    ['is critical when it has less than two connections for each process', { processes: 34 }, 0, 'critical'],
  ])('%s', (_, given, waiting, level) => {
    const world = createWorld()
    world.cluster.ceiling = { ...ceiling, ...given }
    world.pool.waiting = waiting
    expect(world.texts()).toMatchObject([{ code: 'ceiling-reached', level }])
  })

  test('says how many share it and how much is left for this one', () => {
    const world = createWorld()
    world.cluster.ceiling = ceiling
    expect(world.text('ceiling-reached')).toBe(
      '30 processes of this role share 67 connections and want more: beside the one for its health probe this one may have 2 of its 10; ' +
        'shorten what holds a connection, or raise DATABASE_MAX_ROLE_CONNECTIONS if the server has room.',
    )
  })

  test('gives no advice while there is enough for everybody', () => {
    const world = createWorld()
    world.cluster.ceiling = { ...ceiling, isReached: false }
    expect(world.codes()).toEqual([])
  })
})
