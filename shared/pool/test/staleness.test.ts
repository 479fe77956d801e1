import { describe, expect, test } from 'bun:test'
import { ConnectError } from '../src/errors.ts'
import { checkoutMany, createFakePool, deferred, settle, stateOf } from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

const dead = () => Promise.reject(new Error('no answer'))

describe('pre-ping', () => {
  test('a brand-new connection is not pinged, nor one that spoke within the window', async () => {
    const { pool, clock, connections } = createFakePool({ prePingIdleMs: 500 })
    await (await pool.checkout()).checkin()
    clock.now += 499
    await (await pool.checkout()).checkin()
    expect(connections.map(({ pings }) => pings)).toEqual([0])
  })

  test('a connection that was silent for the window is pinged, once, before it is handed out', async () => {
    const { pool, clock, connections } = createFakePool({ prePingIdleMs: 500 })
    await (await pool.checkout()).checkin()
    clock.now += 500
    await (await pool.checkout()).checkin()
    await (await pool.checkout()).checkin()
    expect(connections.map(({ pings }) => pings)).toEqual([1])
    expect(pool.status().counters).toMatchObject({ pings: 1, pingFailures: 0 })
  })

  test('with a window of 0 every checkout pings, once, but for a new connection', async () => {
    const { pool, connections } = createFakePool({ prePingIdleMs: 0 })
    await (await pool.checkout()).checkin()
    expect(connections[0]?.pings).toBe(0)
    for (let i = 1; i <= 3; i++) {
      await (await pool.checkout()).checkin()
      expect(connections[0]?.pings).toBe(i)
    }
  })

  test('prePing false never pings', async () => {
    const { pool, clock, connections } = createFakePool({ prePing: false })
    await (await pool.checkout()).checkin()
    clock.now += 60_000
    await (await pool.checkout()).checkin()
    expect(connections[0]?.pings).toBe(0)
  })

  test('a dead idle connection is replaced without the caller noticing, and the new one is not pinged', async () => {
    const { pool, clock, connections, events } = createFakePool()
    await (await pool.checkout()).checkin()
    clock.now += 1_000
    if (connections[0]) connections[0].onPing = dead
    const lease = await pool.checkout()
    expect(lease.connection).toMatchObject({ id: 2, pings: 0 })
    expect(connections[0]?.ended).toBe('destroyed')
    expect(events).toEqual(['ping-failed', 'invalidated'])
    expect(pool.status()).toMatchObject({
      total: 1,
      counters: { pingFailures: 1, invalidations: 1, closes: { 'ping-failed': 1 } },
    })
  })

  test('a failed ping retires every connection made before it, and a storm of them invalidates once', async () => {
    const { pool, clock, connections } = createFakePool({ poolSize: 3 })
    for (const lease of await checkoutMany(pool, 3)) await lease.checkin()
    clock.now += 1_000
    for (const connection of connections) connection.onPing = dead
    const leases = await checkoutMany(pool, 3)
    expect(leases.map(({ connection }) => connection.id)).toEqual([4, 5, 6])
    expect(pool.status()).toMatchObject({ total: 3, checkedOut: 3, counters: { invalidations: 1 } })
  })

  test('a connection made while the ping was under way survives its failure', async () => {
    const { pool, clock, connections } = createFakePool()
    await (await pool.checkout()).checkin()
    clock.now += 1_000
    const failing = deferred<void>()
    if (connections[0]) connections[0].onPing = () => failing.promise
    const first = pool.checkout()
    clock.now += 1
    const second = pool.checkout()
    const early = await first
    failing.reject(new Error('no answer'))
    await second
    await early.checkin()
    expect(early.connection).toMatchObject({ id: 2, ended: null })
  })

  test('a connection lost in use has the others pinged before they are handed out again', async () => {
    const { pool, connections, clock } = createFakePool()
    const [first, second] = await checkoutMany(pool, 2)
    await second?.checkin()
    clock.now += 1
    first?.connection.lose(new Error('reset'))
    const lease = await pool.checkout()
    expect(lease.connection).toBe(second?.connection as never)
    expect(connections[1]?.pings).toBe(1)
    expect(pool.status().counters.closes).toMatchObject({ lost: 1 })
  })

  test('without pre-ping a connection lost in use retires the others', async () => {
    const { pool, clock } = createFakePool({ prePing: false })
    const [first, second] = await checkoutMany(pool, 2)
    await second?.checkin()
    clock.now += 1
    first?.connection.lose(new Error('reset'))
    expect(second?.connection.ended).toBe('closed')
    expect(stateOf(pool)).toMatchObject({ total: 0 })
  })

  test('when the server stays down the connect error surfaces, not the ping', async () => {
    const { pool, clock, connections, control } = createFakePool()
    await (await pool.checkout()).checkin()
    using time = createVirtualTime(clock)
    clock.now += 1_000
    if (connections[0]) connections[0].onPing = dead
    control.connect = () => Promise.reject(new ConnectError('refused', { driverCode: 'ECONNREFUSED' }))
    const error = pool.checkout({ timeoutMs: 30 }).catch((thrown: unknown) => thrown)
    await time.pass(30, settle)
    expect(await error).toMatchObject({ code: 'CONNECT_FAILED', driverCode: 'ECONNREFUSED' })
  })

  test('a connection whose server closes it while idle leaves the pool at once', async () => {
    const { pool, connections } = createFakePool()
    await (await pool.checkout()).checkin()
    connections[0]?.lose()
    expect(stateOf(pool)).toMatchObject({ total: 0, idle: 0 })
    expect((await pool.checkout()).connection.id).toBe(2)
  })
})

describe('recycle and invalidate', () => {
  test('an old connection is replaced at checkout, never while it is in use', async () => {
    const { pool, clock } = createFakePool({ recycleMs: 1_000 })
    const lease = await pool.checkout()
    clock.now += 2_000
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1 })
    expect(lease.connection.ended).toBeNull()
    await lease.checkin()
    expect(lease.connection.ended).toBe('closed')
    const next = await pool.checkout()
    await next.checkin()
    clock.now += 1_000
    expect((await pool.checkout()).connection.id).toBe(3)
    expect(pool.status().counters).toMatchObject({ recycles: 2, closes: { recycled: 2 } })
  })

  test('it is replaced also when it is never idle, because others always wait for it', async () => {
    const { pool, clock, connections } = createFakePool({ recycleMs: 1_000, poolSize: 1, maxOverflow: 0 })
    let lease = await pool.checkout()
    for (let i = 0; i < 5; i++) {
      const next = pool.checkout()
      clock.now += 400
      await lease.checkin()
      lease = await next
    }
    expect(connections.length).toBeGreaterThanOrEqual(2)
  })

  test('connections of one age do not go together', async () => {
    const jitter = [0, 0.5, 1]
    const { pool, clock } = createFakePool({ recycleMs: 1_000, poolSize: 3 }, () => jitter.shift() ?? 0)
    for (const lease of await checkoutMany(pool, 3)) await lease.checkin()
    const left: number[] = []
    for (const age of [899, 900, 950, 1_000]) {
      clock.now = 1_000 + age
      const leases = await checkoutMany(pool, 3)
      left.push(leases.filter(({ connection }) => connection.id <= 3).length)
      for (const lease of leases) await lease.checkin()
    }
    expect(left).toEqual([3, 2, 1, 0])
  })

  test('invalidate closes idle connections now and those in use when they come back', async () => {
    const { pool, clock, events } = createFakePool()
    const [first, second] = await checkoutMany(pool, 2)
    await first?.checkin()
    clock.now += 1
    pool.invalidate()
    expect(stateOf(pool)).toMatchObject({ total: 1, idle: 0, checkedOut: 1 })
    await second?.checkin()
    expect(stateOf(pool)).toMatchObject({ total: 0 })
    expect(pool.status().counters).toMatchObject({ invalidations: 1, closes: { invalidated: 2 } })
    expect(events).toEqual(['invalidated'])
  })

  test('a connection that should be replaced is replaced when it comes back', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    lease.connection.shouldReplace = true
    await lease.checkin()
    await settle()
    expect(pool.status()).toMatchObject({ total: 0, counters: { closes: { replaced: 1 } } })
  })
})
