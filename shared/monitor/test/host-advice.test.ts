import { describe, expect, test } from 'bun:test'
import { replicaOptions } from '@shared/database'
import { connected, createWorld, host, unavailable } from './monitor-world.ts'

test('a primary with two standbys that keep up is given no advice', async () => {
  const world = createWorld()
  world.cluster.hosts = [host(1, 'primary'), host(2, 'standby'), host(3, 'standby', { lagMs: 10_000 })]
  world.cluster.replicas = 2
  await world.seconds(60, () => {
    world.cluster.reads.standby += 100
    world.cluster.reads.primary += 20
  })
  expect(world.codes()).toEqual([])
  expect(world.monitor.seen().hosts).toEqual([
    { host: 'db-1:5432', role: 'primary', timeline: 1, lagMs: null, code: null },
    { host: 'db-2:5432', role: 'standby', timeline: 1, lagMs: 0, code: null },
    { host: 'db-3:5432', role: 'standby', timeline: 1, lagMs: 10_000, code: null },
  ])
  expect(world.monitor.samples().at(-1)).toMatchObject({ lagMs: 10_000 })
})

describe('several hosts without a primary', () => {
  test('are critical, with what each of them is and why it is of no use, in place of a database that is down', async () => {
    const world = createWorld()
    world.cluster.hosts = [host(1, 'unreachable', { code: 'ECONNREFUSED' }), host(2, 'standby')]
    await world.seconds(1)
    world.answers.health = { ...unavailable, code: 'NO_SUITABLE_HOST' }
    await world.seconds(12)
    expect(world.texts()).toEqual([
      {
        level: 'critical',
        code: 'no-primary',
        text: 'No host has been the primary since 2026-01-01T00:00:02.000Z (11 s), so nothing can be written: db-1:5432 is unreachable (ECONNREFUSED) and db-2:5432 is a standby (0 ms behind). Start the primary, or promote a standby; it is found by itself.',
      },
    ])
  })

  test('are what was asked for where the database answers: a service that only reads', async () => {
    const world = createWorld()
    world.cluster.hosts = [host(1, 'standby'), host(2, 'standby')]
    await world.seconds(10)
    expect(world.codes()).toEqual([])
  })

  test('are a database that is down where there is but one host, or a primary that does not let us in', async () => {
    const world = createWorld()
    world.answers.health = unavailable
    await world.seconds(3)
    expect(world.codes()).toEqual(['database-down'])
    world.cluster.hosts = [host(1, 'primary'), host(2, 'standby')]
    expect(world.codes()).toEqual(['database-down'])
  })
})

describe('an old primary', () => {
  test('that is back and takes writes is critical, with what to do about it', async () => {
    const world = createWorld()
    world.cluster.hosts = [host(1, 'old-primary'), host(2, 'primary', { timeline: 2 })]
    await world.seconds(4)
    expect(world.texts()).toEqual([
      {
        level: 'critical',
        code: 'split-brain',
        text: 'db-1:5432 (time line 1) has been taking writes for 3 s, though db-2:5432 (time line 2) was promoted after it: this service uses it no more, but what others write there will be lost. Stop it now, save what was written there since, and bring it back as a standby (pg_rewind, or a new copy).',
      },
    ])
    world.cluster.hosts = [host(1, 'standby', { timeline: 2 }), host(2, 'primary', { timeline: 2 })]
    await world.seconds(1)
    expect(world.codes()).toEqual([])
  })

  test('that is found dead in the next seconds was the one that has just failed', async () => {
    const world = createWorld()
    world.cluster.hosts = [host(1, 'old-primary'), host(2, 'primary', { timeline: 2 })]
    await world.seconds(3)
    expect(world.codes()).toEqual([])
    world.cluster.hosts = [host(1, 'unreachable', { code: 'ETIMEDOUT' }), host(2, 'primary', { timeline: 2 })]
    await world.seconds(10)
    expect(world.codes()).toEqual(['host-unreachable'])
  })
})

describe('a host beside the primary', () => {
  test('that does not answer is a warning, with how many are left', async () => {
    const world = createWorld()
    const gone = host(3, 'unreachable', { code: '57P03' })
    world.cluster.hosts = [host(1, 'primary'), host(2, 'standby'), gone]
    expect(world.texts()).toEqual([
      {
        level: 'warning',
        code: 'host-unreachable',
        text: 'db-3:5432 (code 57P03) cannot be reached; the primary can, and 1 standby is left: start it again, or take it off the list of hosts.',
      },
    ])
    world.cluster.hosts = [host(1, 'primary'), gone, host(2, 'unreachable')]
    expect(world.text('host-unreachable')).toBe(
      'db-3:5432 (code 57P03) and db-2:5432 (code none) cannot be reached; the primary can, and there is no standby left to fail over to: start them again, or take them off the list of hosts.',
    )
  })

  test('that was not asked yet is no reason to worry', () => {
    const world = createWorld()
    world.cluster.hosts = [host(1, 'primary'), host(2, 'unknown')]
    expect(world.codes()).toEqual([])
  })
})

test('a standby that is further behind than reads may be is a warning', () => {
  const world = createWorld()
  world.cluster.hosts = [host(1, 'primary'), host(2, 'standby', { lagMs: 42_000 }), host(3, 'standby')]
  expect(world.texts()).toEqual([
    {
      level: 'warning',
      code: 'standby-lag',
      text: `db-2:5432 is 42 s behind, more than the 10 s of ${replicaOptions.maxLagMs.variable} (1 of 2 standbys), and not read from: look at its log, its disk, long queries there that replay waits for, and the network.`,
    },
  ])
})

describe('a failover', () => {
  const failover = (at: number) => ({
    type: 'failed-over' as const,
    code: null,
    at: new Date(at).toISOString(),
    detail: 'the primary is db-2:5432 on time line 2, before db-1:5432 on 1',
  })

  test('is shown for five minutes', async () => {
    const world = createWorld()
    world.events.push(failover(world.now()))
    await world.seconds(12)
    expect(world.texts()).toEqual([
      {
        level: 'info',
        code: 'failed-over',
        text: 'The primary changed 12 s ago: the primary is db-2:5432 on time line 2, before db-1:5432 on 1. New work goes there by itself; see that the one before comes back as a standby.',
      },
    ])
    await world.seconds(287)
    expect(world.codes()).toEqual(['failed-over'])
    await world.seconds(1)
    expect(world.codes()).toEqual([])
  })

  test('is not spoken of while no host is the primary any more: nothing goes there', async () => {
    const world = createWorld()
    world.events.push(failover(world.now()))
    world.cluster.hosts = [host(1, 'unreachable'), host(2, 'primary', { timeline: 2 })]
    await world.seconds(2)
    const before = world.codes()
    world.cluster.hosts = [host(1, 'unreachable'), host(2, 'unreachable')]
    world.answers.health = unavailable
    await world.seconds(2)
    expect({ before, after: world.codes() }).toEqual({
      before: ['host-unreachable', 'failed-over'],
      after: ['no-primary'],
    })
  })

  test('explains the connections that were lost by it, and the probe that failed', async () => {
    const world = createWorld()
    await world.seconds(10)
    world.answers.health = unavailable
    world.pool.counters.closes.lost += 3
    await world.seconds(2)
    world.answers.health = connected
    await world.seconds(1)
    // What an outage has cost is no failure of a database that answers.
    expect(world.codes()).toEqual(['probe-failures'])
    world.events.push(failover(world.now()))
    expect(world.codes()).toEqual(['failed-over'])
    await world.seconds(75)
    world.pool.counters.closes.lost += 1
    await world.seconds(3)
    expect(world.codes()).toEqual(['failures', 'failed-over'])
  })

  test('that is not the only one says how many there were', async () => {
    const world = createWorld()
    world.events.push(failover(world.now()), failover(world.now() + 20_000))
    await world.seconds(30)
    expect(world.found('failed-over')?.measured).toMatchObject({ agoMs: 10_000, failovers: 2 })
    expect(world.text('failed-over')).toStartWith(
      'The primary changed 10 s ago (2 times in 5 min: find out why): ',
    )
  })
})

describe('reads that standbys could have taken', () => {
  const readsOf = async (
    each: Partial<Record<'standby' | 'primary' | 'behind' | 'failed', number>>,
    seconds = 60,
  ) => {
    const world = createWorld()
    world.cluster.replicas = 2
    await world.seconds(seconds, () => {
      for (const [where, count] of Object.entries(each))
        world.cluster.reads[where as keyof typeof each] += count
    })
    return world
  }

  test('and ran on the primary for the most part are told, with why', async () => {
    const world = await readsOf({ standby: 10, primary: 12, behind: 3 })
    expect(world.texts()).toEqual([
      {
        level: 'info',
        code: 'reads-on-primary',
        text: '900 of the last 1500 reads that standbys could have taken (60 s) ran on the primary: for 720 no standby was near enough and for 180 it did not show yet what had been written; look at the standbys, or raise DATABASE_MAX_LAG.',
      },
    ])
  })

  test('are a warning where standbys have failed them', async () => {
    const world = await readsOf({ standby: 10, failed: 20 })
    expect(world.texts()).toEqual([
      {
        level: 'warning',
        code: 'reads-on-primary',
        text: "1200 of the last 1800 reads that standbys could have taken (60 s) ran on the primary: 1200 had failed on one; look at the standbys' logs.",
      },
    ])
  })

  test('are nothing to tell where most of them were taken, where they are few, and without standbys', async () => {
    expect((await readsOf({ standby: 13, primary: 12 })).codes()).toEqual([])
    expect((await readsOf({ primary: 1 }, 29)).codes()).toEqual([])
    const world = await readsOf({ primary: 10 })
    expect(world.codes()).toEqual(['reads-on-primary'])
    world.cluster.replicas = 0
    expect(world.codes()).toEqual([])
  })
})
