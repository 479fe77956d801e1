import { describe, expect, test } from 'bun:test'
import { away, connected, createWorld, roomyServer } from './monitor-world.ts'

const statement = {
  pid: 1,
  state: 'active',
  ageMs: 4_200,
  waitEvent: 'Lock/transactionid',
  text: 'update "products" set "stock" = $1 where "id" = ?',
}

test('a pool in ordinary use is given no advice', async () => {
  const world = createWorld()
  await world.seconds(600, () => {
    Object.assign(world.pool, { total: 8, idle: 2, checkedOut: 6 })
    world.leases(200, { useMs: 20 })
  })
  expect(world.monitor.advice()).toEqual([])
})

test('nor is one that nobody uses, and one that was never sampled', async () => {
  const world = createWorld()
  expect(world.monitor.advice()).toEqual([])
  await world.seconds(600)
  expect(world.monitor.advice()).toEqual([])
})

describe('a pool that is busy all the time', () => {
  const busy = async (world: ReturnType<typeof createWorld>, waiting: number) =>
    world.seconds(60, () => {
      Object.assign(world.pool, { total: 10, checkedOut: 10, waiting })
      world.leases(5, { useMs: 1_000, waitMs: waiting > 0 ? 8_000 : 0 })
    })

  test('is advised to grow where the database has connections free, and told the slow statement', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [statement] }
    await busy(world, 40)
    expect(world.monitor.advice()).toEqual([
      {
        level: 'warning',
        code: 'saturated',
        text:
          'The pool of 10 was busy 100 % of the last 60 s with 40 waiting at the worst (5 leases/s × 1 s each = 5 at a time); ' +
          '50 were wanted at once on average and the database has 60 connections free (29 s ago): raise DATABASE_POOL_SIZE, or shorten what holds a connection; ' +
          `the longest statement was 4.2 s old: ${statement.text}.`,
      },
    ])
  })

  test.each([
    ['max_connections', { ...roomyServer, usedConnections: 97 }],
    [
      'its CONNECTION LIMIT',
      { ...roomyServer, role: { ...roomyServer.role, connections: 11, connectionLimit: 11 } },
    ],
  ])('is not advised to grow where %s leaves no room', async (limit, server) => {
    const world = createWorld()
    world.answers.server = server
    await busy(world, 40)
    expect(world.text('saturated')).toContain(
      `the database has none free for world_app (29 s ago): shorten what holds a connection, or raise ${limit}`,
    )
  })

  test('does not guess what a server has free that has said nothing', async () => {
    const world = createWorld()
    world.answers.server = null
    await busy(world, 40)
    expect(world.text('saturated')).toContain('the database has not said yet how many it has free')
  })

  test('is critical once callers are turned away', async () => {
    const world = createWorld()
    await busy(world, 40)
    world.pool.counters.timeouts += 1
    world.pool.counters.saturations += 7
    await world.seconds(1)
    expect(world.monitor.advice()[0]?.level).toBe('critical')
    expect(world.text('saturated')).toContain('and 1 checkout timed out and 7 were refused by a full line')
  })

  test('is worth a note only while nobody waits', async () => {
    const world = createWorld()
    await busy(world, 0)
    expect(world.monitor.advice()).toMatchObject([{ level: 'info', code: 'saturated' }])
    expect(world.text('saturated')).toContain('busy 100 % of the last 60 s, nobody waited')
  })

  test('is not judged by four seconds, nor by the minute before last', async () => {
    const world = createWorld()
    const full = () => Object.assign(world.pool, { total: 10, checkedOut: 10, waiting: 1 })
    await world.seconds(4, full)
    expect(world.codes()).toEqual([])
    await world.seconds(1, full)
    expect(world.codes()).toEqual(['saturated'])
    await world.seconds(60, () => Object.assign(world.pool, { checkedOut: 1, idle: 9, waiting: 0 }))
    expect(world.codes()).toEqual([])
  })

  test('is told the time of use of that minute alone', async () => {
    const world = createWorld()
    await world.seconds(60, () => world.leases(50, { useMs: 9_000 }))
    await busy(world, 40)
    expect(world.text('saturated')).toContain('(5 leases/s × 1 s each = 5 at a time)')
  })

  test('without a limit to its overflow is never saturated', async () => {
    const world = createWorld({ maxOverflow: -1 })
    world.answers.server = null
    await world.seconds(60, () => Object.assign(world.pool, { total: 500, checkedOut: 500, overflow: 490 }))
    expect(world.codes()).toEqual(['overflow'])
  })
})

describe('callers that wait though connections can be had', () => {
  test('get a larger pool when connections are opened meanwhile', async () => {
    const world = createWorld({ poolSize: 2, maxOverflow: 18 })
    await world.seconds(60, () => {
      Object.assign(world.pool, { total: 4, checkedOut: 4 })
      world.leases(98, { useMs: 5 })
      world.leases(2, { useMs: 5, waitMs: 180 })
      world.pool.counters.connects += 2
      world.times.create.record(150)
      world.times.create.record(150)
    })
    expect(world.text('waiting')).toBe(
      '120 callers stood in line in the last 60 s, and it took up to 250 ms until 99 % of all checkouts were served, though only 20 % of the pool was in use; ' +
        '120 connections were opened meanwhile, half of them in 250 ms or less: raise DATABASE_POOL_SIZE above 2 so that more stay open.',
    )
  })

  test('are told of bursts when none are opened', async () => {
    const world = createWorld()
    await world.seconds(60, () => {
      Object.assign(world.pool, { total: 10, checkedOut: 2, idle: 8 })
      world.leases(10, { useMs: 5, waitMs: 180 })
    })
    expect(world.text('waiting')).toContain('the load comes in bursts')
  })

  test('are too few to speak of', async () => {
    const world = createWorld()
    await world.seconds(60, () => {
      Object.assign(world.pool, { total: 10, checkedOut: 2, idle: 8 })
      world.leases(1_000, { useMs: 1 })
    })
    world.leases(9, { useMs: 5, waitMs: 180 })
    await world.seconds(1)
    expect(world.codes()).toEqual([])
  })

  test('are too few as long as they are nine, however long they wait', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.leases(9, { useMs: 5, waitMs: 180 })
    await world.seconds(1)
    expect(world.codes()).toEqual([])
    world.leases(1, { useMs: 5, waitMs: 180 })
    await world.seconds(1)
    expect(world.codes()).toEqual(['waiting'])
  })
})

describe('the database', () => {
  test('that does not answer is critical, with the time since when and the code', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.answers.health = away
    await world.seconds(42)
    expect(world.monitor.advice()).toEqual([
      {
        level: 'critical',
        code: 'database-down',
        text: 'The database has not answered since 2026-01-01T00:00:11.000Z (41 s, code ECONNREFUSED): check the server and the way to it.',
      },
    ])
  })

  test('that was away for a moment is remembered for a minute', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.answers.health = away
    await world.seconds(3)
    world.answers.health = connected
    await world.seconds(20)
    expect(world.monitor.advice()).toEqual([
      {
        level: 'warning',
        code: 'probe-failures',
        text: "The database answers again, but 3 of the last 33 samples saw it away: look at the server's log.",
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
    await world.seconds(1)
    expect(world.text('failures')).toBe(
      "In the last 11 s 3 connections were lost and 1 connect failed while the database answers: look at the events' codes, at the server's log and at what lies between.",
    )
    await world.seconds(60)
    expect(world.codes()).toEqual([])
  })

  test('that runs a statement for long shows it, without its data', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 12_000 }] }
    await world.seconds(9)
    expect(world.monitor.advice()).toEqual([
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

describe('a pool whose overflow is open all the time', () => {
  test('should keep those connections', async () => {
    const world = createWorld({ poolSize: 10, maxOverflow: 20 })
    await world.seconds(60, () => Object.assign(world.pool, { total: 14, checkedOut: 14, overflow: 4 }))
    expect(world.monitor.advice()).toEqual([
      {
        level: 'info',
        code: 'overflow',
        text: 'In 100 % of the last 60 s more than the 10 kept connections were open, 14 on average: that is the usual load, so raise DATABASE_POOL_SIZE to 14 and save the connects.',
      },
    ])
  })

  test('is left alone when that was for some seconds', async () => {
    const world = createWorld({ poolSize: 10, maxOverflow: 20 })
    await world.seconds(20, () => Object.assign(world.pool, { total: 14, checkedOut: 14, overflow: 4 }))
    await world.seconds(40, () => Object.assign(world.pool, { total: 10, checkedOut: 8, overflow: 0 }))
    expect(world.codes()).toEqual([])
  })
})

describe('a pool that is far too large', () => {
  const use = (world: ReturnType<typeof createWorld>, checkedOut: number) => () => {
    Object.assign(world.pool, { total: 20, idle: 20 - checkedOut, checkedOut })
    world.leases(35, { useMs: 3 })
  }

  test('should shrink, by what was in use and by the law of Little', async () => {
    const world = createWorld({ poolSize: 20 })
    await world.seconds(300, use(world, 2))
    expect(world.monitor.advice()).toEqual([
      {
        level: 'info',
        code: 'oversized',
        text: "In the last 5 min at most 2 of 20 kept connections were seen in use (35 leases/s × 3 ms each = 0.1 at a time): DATABASE_POOL_SIZE=4 would do, and leaves the rest of the server's connections to others.",
      },
    ])
  })

  test('is not judged by four minutes, nor without traffic, nor when it was needed once', async () => {
    const early = createWorld({ poolSize: 20 })
    await early.seconds(240, use(early, 2))
    expect(early.codes()).toEqual([])
    const idle = createWorld({ poolSize: 20 })
    await idle.seconds(300)
    expect(idle.codes()).toEqual([])
    const needed = createWorld({ poolSize: 20 })
    await needed.seconds(1, use(needed, 6))
    await needed.seconds(300, use(needed, 2))
    expect(needed.codes()).toEqual([])
  })
})

test('the worst comes first', async () => {
  const world = createWorld({ poolSize: 40, maxOverflow: 80 })
  world.answers.server = { ...roomyServer, statements: [{ ...statement, ageMs: 12_000 }] }
  await world.seconds(60, () => {
    Object.assign(world.pool, { total: 45, checkedOut: 45, overflow: 5 })
  })
  world.answers.health = away
  await world.seconds(2)
  expect(world.monitor.advice().map(({ level, code }) => `${level} ${code}`)).toEqual([
    'critical database-down',
    'warning budget',
    'warning slow-statement',
    'info overflow',
  ])
})
