import { describe, expect, test } from 'bun:test'
import type { Blockage } from '../src/index.ts'
import { connected, createWorld, lockedStatement, roomyServer, unavailable } from './monitor-world.ts'

/** A session that has held a row of stock for so long, and the two statements that wait for it. */
function heldRow(pid: number, waitedMs: number): Blockage {
  const victim = { role: 'world_app', application: 'world', depth: 1, blockedBy: [pid], waitedMs }
  return {
    blocker: {
      pid,
      role: 'world_app',
      application: `worker-${pid}`,
      state: 'idle in transaction',
      ageMs: waitedMs,
      transactionMs: waitedMs,
      statement: 'select 1 from stock for update',
    },
    lock: { kind: 'row', mode: 'ShareLock', relation: 'stock' },
    waiting: [11, 12].map((victimPid) => ({ ...victim, pid: victimPid, statement: 'update stock' })),
  }
}

/** A pool of two whose statements a lock keeps from ending, or whose database stops. */
function createTrouble() {
  const world = createWorld({ poolSize: 2 })
  const { pool, answers } = world
  let since = 0
  const calm = () => {
    Object.assign(pool, { checkedOut: 0, waiting: 0, oldestLeaseMs: null, longestWaitMs: null })
    answers.server = roomyServer
    answers.health = connected
  }
  return {
    ...world,
    calm: (seconds: number) => world.seconds(seconds, calm),
    /** Lets a lock be held from now on. */
    async locked(pid: number, seconds: number) {
      since = world.now()
      await world.seconds(seconds, () => {
        const heldMs = world.now() - since
        Object.assign(pool, { checkedOut: 2, waiting: 1, oldestLeaseMs: heldMs, longestWaitMs: heldMs })
        answers.server = { ...roomyServer, blockages: [heldRow(pid, heldMs)] }
      })
    },
    async down(seconds: number) {
      await world.seconds(seconds, () => {
        answers.health = unavailable
      })
    },
    recorded: () =>
      world.events
        .filter(({ type }) => ['degraded', 'blocked', 'recovered'].includes(type))
        .map(({ type, detail = '' }) => [type, ...(/pid \d+/.exec(detail) ?? [])].join(' ')),
  }
}

describe('incidents', () => {
  test('a lock begins one, which is over after three quiet seconds', async () => {
    const { calm, locked, recorded } = createTrouble()
    await calm(2)
    await locked(7, 5)
    await calm(2)
    expect(recorded()).toEqual(['degraded', 'blocked pid 7'])
    await calm(1)
    expect(recorded()).toEqual(['degraded', 'blocked pid 7', 'recovered pid 7'])
  })

  test('a second lock right after the first, once nobody waits any more, is another one', async () => {
    const { calm, locked, recorded, text } = createTrouble()
    await calm(2)
    await locked(7, 20)
    await calm(1)
    await locked(8, 2)
    expect({ recorded: recorded(), text: text('blocked') }).toEqual({
      recorded: ['degraded', 'blocked pid 7', 'recovered pid 7', 'degraded', 'blocked pid 8'],
      text: expect.stringMatching(/^For 2 s now .* Pid 8 /),
    })
  })

  test('callers that come back all at once after a lock do not hide it', async () => {
    const { calm, locked, seconds, pool, codes, recorded } = createTrouble()
    await calm(2)
    await locked(7, 8)
    await calm(5)
    await seconds(2, () => {
      Object.assign(pool, { checkedOut: 2, waiting: 1, oldestLeaseMs: 30, longestWaitMs: 600 })
      pool.counters.saturations += 3
    })
    const during = codes()
    await calm(5)
    expect({ recorded: recorded(), during, after: codes() }).toEqual({
      recorded: ['degraded', 'blocked pid 7', 'recovered pid 7', 'degraded', 'recovered'],
      during: ['blocked'],
      after: ['blocked'],
    })
  })

  test('a lock that is found before anybody has waited for long is not taken for the one before it', async () => {
    const world = createTrouble()
    await world.calm(2)
    await world.locked(7, 9)
    await world.calm(1)
    const { pool, answers } = world
    await world.seconds(1, () => {
      Object.assign(pool, { checkedOut: 2, waiting: 1, oldestLeaseMs: 300, longestWaitMs: 300 })
      answers.server = { ...roomyServer, blockages: [heldRow(8, 300)] }
    })
    const text = world.text('blocked')
    await world.calm(4)
    expect({ recorded: world.recorded(), text }).toEqual({
      recorded: ['degraded', 'blocked pid 7', 'recovered pid 7'],
      text: expect.stringMatching(/^For 300 ms now .* Pid 8 /),
    })
  })

  test('a lock right after an outage is named: callers that wait are no part of the outage', async () => {
    const { calm, down, locked, recorded } = createTrouble()
    await calm(2)
    await down(3)
    await calm(2)
    await locked(7, 2)
    expect(recorded()).toEqual(['recovered', 'degraded', 'blocked pid 7'])
  })

  test('a database that comes and goes is one incident', async () => {
    const { calm, down, recorded } = createTrouble()
    await calm(2)
    for (let time = 0; time < 3; time++) {
      await down(2)
      await calm(2)
    }
    expect(recorded()).toEqual([])
    await calm(3)
    expect(recorded()).toEqual(['recovered'])
  })

  test('who waits for a new lock is looked for at once, however long the one before it was held', async () => {
    const { calm, locked, asked } = createTrouble()
    await calm(2)
    await locked(7, 60)
    const before = asked.details
    for (const pid of [8, 9, 10]) await locked(pid, 1)
    expect(asked.details - before).toBe(3)
  })
})

describe('a pool that is full for a moment', () => {
  const statement = { ...lockedStatement, waitEvent: null, ageMs: 900, text: 'select report()' }

  /** Callers have waited for so long behind statements that hold every connection. */
  function createFullPool(statements: readonly (typeof statement)[]) {
    const world = createWorld({ poolSize: 2 })
    const full = (seconds: number) =>
      world.seconds(seconds, () => {
        Object.assign(world.pool, { checkedOut: 2, waiting: 12, oldestLeaseMs: 900, longestWaitMs: 900 })
        world.pool.counters.waits += 12
        for (let i = 0; i < 12; i++) world.times.wait.record(900)
        world.answers.server = { ...roomyServer, statements: [...statements] }
      })
    const free = (seconds: number) =>
      world.seconds(seconds, () => {
        Object.assign(world.pool, { checkedOut: 0, waiting: 0, oldestLeaseMs: null, longestWaitMs: null })
        world.answers.server = roomyServer
      })
    return { ...world, full, free }
  }

  test('by slow statements names them first, at once and afterwards, and asks for no larger pool', async () => {
    const { full, free, texts } = createFullPool([statement, statement])
    await free(3)
    await full(1)
    const during = texts()
    await full(1)
    await free(5)
    expect({ during, after: texts() }).toEqual({
      during: [
        {
          code: 'saturated',
          level: 'warning',
          text: expect.stringMatching(
            /^2 of 2 connections are at the same statement, for up to 900 ms so far: select report\(\)\. The pool of 2 was busy 100 % of the last 1 s with 12 waiting at the worst; .*: shorten what holds a connection\.$/,
          ),
        },
      ],
      after: [
        {
          code: 'saturated',
          level: 'warning',
          text: expect.stringMatching(
            /^2 of 2 connections were at the same statement, for up to 900 ms: select .*: shorten what holds/,
          ),
        },
      ],
    })
  })

  test('by slow statements says how many there were, also when the oldest is the last one left', async () => {
    const { full, free, answers, seconds, text } = createFullPool([statement, statement])
    await free(3)
    await full(1)
    await seconds(6, () => {
      answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 4_000 }] }
    })
    await free(5)
    expect(text('saturated')).toStartWith(
      '2 of 2 connections were at the same statement, for up to 4 s: select report().',
    )
  })

  test('by transactions that do nothing says so', async () => {
    const idle = { ...statement, state: 'idle in transaction' }
    const { full, free, text } = createFullPool([idle, idle])
    await free(3)
    await full(1)
    expect(text('saturated')).toStartWith(
      '2 of 2 connections are idle in transaction for up to 900 ms, which does nothing but hold them; the last statement: select report().',
    )
  })

  test('and by a lock on one of many is not critical because of the lock', async () => {
    const { pool, answers, found, seconds } = createWorld({ poolSize: 8 })
    await seconds(3)
    await seconds(3, () => {
      Object.assign(pool, { checkedOut: 8, waiting: 3, oldestLeaseMs: 2_000, longestWaitMs: 2_000 })
      answers.server = {
        ...roomyServer,
        statements: Array(6).fill(statement),
        blockages: [heldRow(7, 1_500)],
      }
    })
    expect({ blocked: found('blocked')?.level, saturated: found('saturated')?.level }).toEqual({
      blocked: 'warning',
      saturated: 'warning',
    })
  })

  test('is warned of no more than that when it is over, also where callers were turned away', async () => {
    const { full, free, found, pool } = createFullPool([statement, statement])
    await free(3)
    await full(2)
    pool.counters.saturations += 5
    await full(1)
    const during = found('saturated')?.level
    await free(5)
    expect([during, found('saturated')?.level]).toEqual(['critical', 'warning'])
  })
})

describe('overflow that is open for most of a minute', () => {
  test('is to be kept as the usual load, but not where a lock held it open', async () => {
    const { pool, calm, locked, codes } = createTrouble()
    Object.assign(pool, { poolSize: 1, maxOverflow: 1, total: 2, overflow: 1 })
    await calm(40)
    const usual = codes()
    await locked(7, 20)
    const locking = codes()
    await calm(4)
    expect({ usual, locking, afterwards: codes() }).toEqual({
      usual: ['overflow'],
      locking: ['blocked'],
      afterwards: ['blocked'],
    })
  })
})

describe('callers that are turned away by a pool that is not full', () => {
  async function turnedAway(what: (world: ReturnType<typeof createWorld>) => void) {
    const world = createWorld({ poolSize: 10 })
    await world.seconds(10)
    what(world)
    world.pool.counters.saturations += 20
    world.pool.counters.waits += 20
    for (let i = 0; i < 20; i++) world.times.wait.record(900)
    await world.seconds(1)
    Object.assign(world.answers, { health: connected })
    await world.seconds(3)
    return world.codes()
  }

  test('because the server took no connection are no reason for a larger one', async () => {
    const codes = await turnedAway(({ pool }) => {
      pool.counters.connectFailures += 3
    })
    expect(codes).toEqual(['failures'])
  })

  test('because the database did not answer are none either', async () => {
    const codes = await turnedAway(({ answers }) => {
      answers.health = unavailable
    })
    expect(codes).toEqual(['probe-failures'])
  })
})

describe('a pool that many short statements keep full', () => {
  async function busy(seconds: number, wasAway: boolean) {
    const world = createWorld({ poolSize: 2 })
    await world.seconds(5)
    if (wasAway) {
      world.answers.health = unavailable
      await world.seconds(2)
      world.answers.health = connected
    }
    await world.seconds(seconds, () => {
      Object.assign(world.pool, { checkedOut: 2, waiting: 3, oldestLeaseMs: 20, longestWaitMs: 600 })
    })
    return world.found('saturated')?.options.length ?? 0
  }

  test('is to be made larger after five seconds, and not after what came back at once when the database did', async () => {
    expect({ brief: await busy(3, false), long: await busy(6, false), after: await busy(6, true) }).toEqual({
      brief: 0,
      long: 1,
      after: 0,
    })
  })
})
