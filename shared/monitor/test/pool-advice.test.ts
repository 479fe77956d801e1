import { describe, expect, test } from 'bun:test'
import { createWorld, roomyServer, lockedStatement as statement } from './monitor-world.ts'

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

  test('is advised to grow where the database has connections free, with the slow statement', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [statement] }
    await busy(world, 40)
    expect(world.texts()).toEqual([
      {
        level: 'warning',
        code: 'saturated',
        text:
          'The pool of 10 was busy 100 % of the last 60 s with 40 waiting at the worst (5 leases/s × 1 s each = 5 at a time); ' +
          '50 were wanted at once on average and the database has 60 connections free (4 s ago): raise DATABASE_POOL_SIZE, or shorten what holds a connection; ' +
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
      `the database has none free for world_app (4 s ago): shorten what holds a connection, or raise ${limit}`,
    )
  })

  test('does not guess what a server has free that has not reported yet', async () => {
    const world = createWorld()
    world.answers.server = null
    await busy(world, 40)
    expect(world.text('saturated')).toContain('the database has not reported yet how many it has free')
  })

  test('is critical once callers are turned away', async () => {
    const world = createWorld()
    await busy(world, 40)
    world.pool.counters.timeouts += 1
    world.pool.counters.saturations += 7
    await world.seconds(1)
    expect(world.monitor.advice()[0]?.level).toBe('critical')
    expect(world.text('saturated')).toContain('and 1 checkout timed out and 7 were refused by a full queue')
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

  test('is judged by the part of the minute in which it was busy, not by the mean', async () => {
    const world = createWorld()
    await world.seconds(20)
    await world.seconds(15, () => {
      Object.assign(world.pool, { total: 10, checkedOut: 10, waiting: 30, longestWaitMs: 9_000 })
    })
    await world.seconds(20, () => {
      Object.assign(world.pool, { checkedOut: 0, idle: 10, waiting: 0, longestWaitMs: null })
    })
    world.leases(30, { useMs: 15_000, waitMs: 15_000 })
    await world.seconds(1)
    expect(world.codes()).toEqual(['saturated'])
    expect(world.text('saturated')).toStartWith(
      'The pool of 10 was busy 100 % of 15 s until 21 s ago with 30 waiting at the worst',
    )
    expect(world.events.map(({ type }) => type)).toEqual(['degraded', 'recovered'])
    expect(world.events.at(-1)?.detail).toStartWith('after 15 s: 30 waited for up to 9 s')
  })

  test('is explained by the time of use of that minute alone', async () => {
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
      '120 callers waited in the queue in the last 60 s, and it took up to 250 ms until 99 % of all checkouts were served, though only 20 % of the pool was in use; ' +
        '120 connections were opened meanwhile, half of them in 250 ms or less: raise DATABASE_POOL_SIZE above 2 so that more stay open.',
    )
  })

  test('are explained by bursts when none are opened', async () => {
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

describe('a pool whose overflow is open all the time', () => {
  test('should keep those connections', async () => {
    const world = createWorld({ poolSize: 10, maxOverflow: 20 })
    await world.seconds(60, () => Object.assign(world.pool, { total: 14, checkedOut: 14, overflow: 4 }))
    expect(world.texts()).toEqual([
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
    expect(world.texts()).toEqual([
      {
        level: 'info',
        code: 'oversized',
        text: "In the last 5 min at most 2 of 20 kept connections were seen in use (35 leases/s × 3 ms each = 0.1 at a time): lower DATABASE_POOL_SIZE to 4, which leaves the rest of the server's connections to others.",
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
