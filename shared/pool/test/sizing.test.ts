import { describe, expect, test } from 'bun:test'
import { ConnectError } from '../src/errors.ts'
import {
  checkoutMany,
  connectTimeoutMs,
  createFakePool,
  deferred,
  type FakeConnection,
  settle,
  stateOf,
} from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

describe('sizing and overflow', () => {
  test('a pool begins with no connection and opens one when asked for it', async () => {
    const { pool } = createFakePool()
    expect(stateOf(pool)).toEqual({
      total: 0,
      idle: 0,
      checkedOut: 0,
      overflow: 0,
      connecting: 0,
      waiting: 0,
    })
    const lease = await pool.checkout()
    expect(stateOf(pool)).toEqual({
      total: 1,
      idle: 0,
      checkedOut: 1,
      overflow: 0,
      connecting: 0,
      waiting: 0,
    })
    await lease.checkin()
    expect(stateOf(pool)).toEqual({
      total: 1,
      idle: 1,
      checkedOut: 0,
      overflow: 0,
      connecting: 0,
      waiting: 0,
    })
  })

  test('use one after the other keeps exactly one connection', async () => {
    const { pool, connections } = createFakePool({ poolSize: 5 })
    for (let i = 0; i < 20; i++) await (await pool.checkout()).checkin()
    expect(connections).toHaveLength(1)
  })

  test('the connection used last is taken first', async () => {
    const { pool } = createFakePool()
    const [first, second] = await checkoutMany(pool, 2)
    await first?.checkin()
    await second?.checkin()
    expect((await pool.checkout()).connection.id).toBe(second?.connection.id as number)
  })

  test('a stampede never opens more than poolSize + maxOverflow', async () => {
    const { pool, connections } = createFakePool({ poolSize: 3, maxOverflow: 2 })
    let most = 0
    const use = async () => {
      const lease = await pool.checkout()
      const { total, checkedOut, idle, connecting } = stateOf(pool)
      expect(total).toBe(checkedOut + idle + connecting)
      most = Math.max(most, total)
      await settle()
      await lease.checkin()
    }
    await Promise.all(Array.from({ length: 50 }, use))
    expect({ most, opened: connections.length }).toEqual({ most: 5, opened: 5 })
  })

  test('overflow connections are closed when they come back to a full idle stack, the others are kept', async () => {
    const { pool, connections } = createFakePool()
    const leases = await checkoutMany(pool, 3)
    expect(stateOf(pool)).toMatchObject({ total: 3, overflow: 1 })
    for (const lease of leases) await lease.checkin()
    expect(stateOf(pool)).toEqual({
      total: 2,
      idle: 2,
      checkedOut: 0,
      overflow: 0,
      connecting: 0,
      waiting: 0,
    })
    expect(connections.map(({ ended }) => ended)).toEqual([null, null, 'closed'])
    expect(pool.status().counters.closes).toMatchObject({ overflow: 1 })
  })

  test('without overflow the next one waits', async () => {
    const { pool } = createFakePool({ maxOverflow: 0 })
    const [first] = await checkoutMany(pool, 2)
    const third = pool.checkout()
    await settle()
    expect(stateOf(pool)).toMatchObject({ total: 2, waiting: 1 })
    await first?.checkin()
    expect((await third).connection).toBe(first?.connection as FakeConnection)
  })

  test('maxOverflow -1 has no limit', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: -1 })
    await checkoutMany(pool, 200)
    expect(stateOf(pool)).toMatchObject({ total: 200, overflow: 199, waiting: 0 })
  })

  test('a failed connect gives its place back', async () => {
    const { pool, clock, control } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    const succeed = control.connect
    control.connect = async () => {
      throw new ConnectError('refused', { retryable: false })
    }
    await expect(pool.checkout()).rejects.toThrow(ConnectError)
    expect(stateOf(pool)).toMatchObject({ total: 0, connecting: 0, waiting: 0 })
    control.connect = succeed
    const served = pool.checkout()
    await time.pass(100, settle)
    expect((await served).connection.id).toBe(1)
  })

  test('an attempt begun while an outage is young is waited for; one begun later rejects the waiters', async () => {
    const { pool, clock, control } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    const attempts: PromiseWithResolvers<FakeConnection>[] = []
    control.connect = () => {
      const attempt = deferred<FakeConnection>()
      attempts.push(attempt)
      return attempt.promise
    }
    const refused = pool.checkout().catch((error: unknown) => error)
    // Each attempt meets silence, and ends at its deadline. That is put on at once: no other attempt begins beside it.
    const timeOut = async (attempt: number, pauseMs: number) => {
      expect(attempts).toHaveLength(attempt)
      clock.now += connectTimeoutMs
      attempts[attempt - 1]?.reject(new ConnectError('silent', { retryable: true }))
      await settle()
      await time.pass(pauseMs, settle)
    }
    await timeOut(1, 10)
    await timeOut(2, 10)
    expect(stateOf(pool)).toMatchObject({ waiting: 1 })
    await timeOut(3, 0)
    expect(await refused).toBeInstanceOf(ConnectError)
    await pool.close({ timeoutMs: 1 })
  })

  test('a connect that hangs does not hold up the others', async () => {
    const { pool, control, clock } = createFakePool({ poolSize: 2, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    const hanging = deferred<FakeConnection>()
    const succeed = control.connect
    control.connect = () => hanging.promise
    const first = pool.checkout()
    control.connect = succeed
    const second = pool.checkout()
    // FIFO: the connection that came goes to the first waiter, and back through it to the second.
    const lease = await first
    clock.now += 1
    await lease.checkin()
    await (await second).checkin()
    expect(stateOf(pool)).toMatchObject({ idle: 1, connecting: 1, waiting: 0 })
    const closing = pool.close({ timeoutMs: 1 })
    await time.pass(3_000, settle)
    await closing
  })

  test('a warm connection that comes free serves a caller before the connect made for it, which stays as a spare', async () => {
    const { pool, control, clock } = createFakePool()
    using _time = createVirtualTime(clock)
    const warm = await pool.checkout()
    const slow = deferred<void>()
    control.connect = async (make) => {
      await slow.promise
      return make()
    }
    const second = pool.checkout()
    await settle()
    expect(stateOf(pool)).toMatchObject({ connecting: 1, waiting: 1 })
    await warm.checkin()
    expect((await second).connection).toBe(warm.connection)
    slow.resolve()
    await settle()
    expect(stateOf(pool)).toMatchObject({ total: 2, idle: 1, checkedOut: 1, connecting: 0 })
  })

  test('a burst on a cold pool spreads over the connections it opens; what is beyond them goes behind others', async () => {
    const { pool, control, clock } = createFakePool({ poolSize: 3, maxOverflow: 0 })
    using _time = createVirtualTime(clock)
    const connects = Array.from({ length: 3 }, () => deferred<void>())
    control.connect = async (make) => {
      await connects[control.attempts - 1]?.promise
      return make()
    }
    const served: number[] = []
    for (let n = 0; n < 5; n++) pool.share().then(({ connection }) => served.push(connection?.id ?? 0))
    await settle()
    const servedAfterEach: (readonly number[])[] = []
    for (const connect of connects) {
      connect.resolve()
      await settle()
      servedAfterEach.push([...served])
    }
    expect(servedAfterEach).toEqual([
      [1, 1, 1],
      [1, 1, 1, 2],
      [1, 1, 1, 2, 3],
    ])
  })

  test('a spike is served by the warm connections, and no more is opened than it needs', async () => {
    const { pool, control, clock, connections } = createFakePool({ poolSize: 5, maxOverflow: 45 })
    using _time = createVirtualTime(clock)
    for (const lease of await checkoutMany(pool, 5)) await lease.checkin()
    const slow = deferred<void>()
    control.connect = async (make) => {
      await slow.promise
      return make()
    }
    const servedBy: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const lease = await pool.checkout()
        servedBy.push(lease.connection.id)
        await settle()
        await lease.checkin()
      }),
    )
    expect(new Set(servedBy)).toEqual(new Set([1, 2, 3, 4, 5]))
    slow.resolve()
    await settle()
    expect(connections).toHaveLength(7)
    expect(stateOf(pool)).toMatchObject({ total: 5, idle: 5, connecting: 0 })
  })

  test('idle connections are closed from the bottom when nobody needs them for idleTimeoutMs', async () => {
    const { pool, clock } = createFakePool({ idleTimeoutMs: 10, poolSize: 3 })
    using time = createVirtualTime(clock)
    for (const lease of await checkoutMany(pool, 3)) await lease.checkin()
    await time.pass(9, settle)
    // Light, steady use touches only the top of the stack.
    await (await pool.checkout()).checkin()
    expect(pool.status().idle).toBe(3)
    await time.pass(1, settle)
    expect(pool.status()).toMatchObject({ idle: 1, counters: { closes: { idle: 2 } } })
    await pool.close()
  })

  test('a retired connection keeps its place until the server has let go of it', async () => {
    const { pool, clock, connections } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await pool.checkout()
    clock.now += 1
    const gone = deferred<void>()
    lease.connection.closing = gone.promise
    pool.invalidate()
    await lease.checkin()
    const next = pool.checkout()
    await settle()
    expect(connections).toHaveLength(1)
    gone.resolve()
    expect((await next).connection.id).toBe(2)
  })
})
