import { describe, expect, test } from 'bun:test'
import {
  CheckoutAbortedError,
  CheckoutTimeoutError,
  ConnectError,
  NestedCheckoutError,
  PoolSaturatedError,
} from '../src/errors.ts'
import {
  checkoutMany,
  connectTimeoutMs,
  createFakePool,
  deferred,
  type FakeConnection,
  type FakeShare,
  settle,
  stateOf,
} from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

describe('the queue', () => {
  test('serves in order of arrival', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const served: number[] = []
    const waiting = [0, 1, 2, 3, 4].map(async (position) => {
      const lease = await pool.checkout()
      served.push(position)
      await lease.checkin()
    })
    await held.checkin()
    await Promise.all(waiting)
    expect(served).toEqual([0, 1, 2, 3, 4])
  })

  test('lets nobody overtake: a late caller does not get the connection that was just given back', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const first = pool.checkout()
    await settle()
    const back = held.checkin()
    const late = pool.checkout()
    const share = pool.tryShare()
    await back
    expect(share).toBeNull()
    const lease = await first
    expect(stateOf(pool)).toMatchObject({ waiting: 1 })
    await lease.checkin()
    await (await late).checkin()
  })

  test('ends a wait at its deadline with the numbers, and not before', async () => {
    const { pool, clock, events } = createFakePool()
    using time = createVirtualTime(clock)
    await checkoutMany(pool, 3)
    const waiting = pool.checkout({ timeoutMs: 20 }).catch((thrown: unknown) => thrown)
    await time.pass(19, settle)
    expect(stateOf(pool)).toMatchObject({ waiting: 1 })
    await time.pass(1, settle)
    const error = await waiting
    expect(error).toBeInstanceOf(CheckoutTimeoutError)
    expect(error).toMatchObject({
      code: 'CHECKOUT_TIMEOUT',
      timeoutMs: 20,
      status: { name: 'fake', poolSize: 2, maxOverflow: 1, checkedOut: 3, idle: 0, overflow: 1, waiting: 0 },
    })
    expect((error as Error).message).toContain('limit of size 2 overflow 1 reached')
    expect({ events, timeouts: pool.status().counters.timeouts }).toEqual({
      events: ['checkout-timeout'],
      timeouts: 1,
    })
  })

  test('honours deadlines of different lengths, each at its own time', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    await pool.checkout()
    const since = clock.now
    const ended: number[] = []
    for (const timeoutMs of [60, 20, 40])
      pool.checkout({ timeoutMs }).catch(() => ended.push(timeoutMs, clock.now - since))
    await time.pass(100, settle)
    expect(ended).toEqual([20, 20, 40, 40, 60, 60])
  })

  test('gives nothing to a caller whose time ran out: the next one gets it', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    const held = await pool.checkout()
    const gone = pool.checkout({ timeoutMs: 10 }).catch((thrown: unknown) => thrown)
    const next = pool.checkout()
    await time.pass(10, settle)
    expect(await gone).toBeInstanceOf(CheckoutTimeoutError)
    await held.checkin()
    expect((await next).connection).toBe(held.connection)
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 0 })
  })

  test('calls a server that does not answer by its name: ConnectError, not CheckoutTimeoutError', async () => {
    const { pool, clock, control } = createFakePool()
    using time = createVirtualTime(clock)
    const refused = new ConnectError('refused', { driverCode: 'ECONNREFUSED' })
    control.connect = () => Promise.reject(refused)
    const refusing = pool.checkout({ timeoutMs: 30 }).catch((thrown: unknown) => thrown)
    await time.pass(30, settle)
    const error = await refusing
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ cause: refused, driverCode: 'ECONNREFUSED' })
    expect(pool.status().counters).toMatchObject({ timeouts: 0 })
    control.connect = () => new Promise(() => {})
    const silent = pool.checkout({ timeoutMs: 20 }).catch((thrown: unknown) => thrown)
    await time.pass(20, settle)
    expect(await silent).toBeInstanceOf(ConnectError)
  })

  test('a signal that has fired already ends the checkout at once and uses no connection', async () => {
    const { pool } = createFakePool()
    const reason = new Error('enough')
    const error = await pool
      .checkout({ signal: AbortSignal.abort(reason) })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CheckoutAbortedError)
    expect(error).toMatchObject({ cause: reason })
    expect(pool.status()).toMatchObject({ total: 0, counters: { cancels: 1, connects: 0 } })
  })

  test('a signal that fires in the queue takes the caller out of it', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const controller = new AbortController()
    const gone = pool.checkout({ signal: controller.signal })
    const next = pool.checkout()
    controller.abort()
    await expect(gone).rejects.toThrow(CheckoutAbortedError)
    expect(pool.status()).toMatchObject({ waiting: 1, counters: { cancels: 1 } })
    await held.checkin()
    expect((await next).connection).toBe(held.connection)
  })

  test('a signal that fires while connecting leaves the connection to the pool', async () => {
    const { pool, clock, control } = createFakePool()
    using _time = createVirtualTime(clock)
    const slow = deferred<void>()
    control.connect = async (make) => {
      await slow.promise
      return make()
    }
    const controller = new AbortController()
    const gone = pool.checkout({ signal: controller.signal })
    controller.abort()
    await expect(gone).rejects.toThrow(CheckoutAbortedError)
    slow.resolve()
    await settle()
    expect(stateOf(pool)).toEqual({
      total: 1,
      idle: 1,
      checkedOut: 0,
      overflow: 0,
      connecting: 0,
      waiting: 0,
    })
  })

  test('a connection that dies while held makes room for the next waiter', async () => {
    const { pool, connections } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const next = pool.checkout()
    held.connection.lose(new Error('gone'))
    expect((await next).connection.id).toBe(2)
    await held.checkin()
    expect({ state: stateOf(pool), made: connections.length }).toMatchObject({
      state: { total: 1, checkedOut: 1 },
      made: 2,
    })
  })

  test('waiters outlive an invalidation', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const next = pool.checkout()
    clock.now += 1
    pool.invalidate()
    await held.checkin()
    expect((await next).connection.id).toBe(2)
  })

  test('a refusal that is not retryable rejects the whole queue at once, and the pool works again once it is fixed', async () => {
    const { pool, clock, control, connections } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    using time = createVirtualTime(clock)
    const succeed = control.connect
    const held = await pool.checkout()
    const wrongPassword = new ConnectError('wrong password', { sqlState: '28P01', retryable: false })
    control.connect = () => Promise.reject(wrongPassword)
    const waiting = [pool.checkout(), pool.checkout()]
    held.connection.lose()
    expect(await Promise.allSettled(waiting)).toEqual(
      waiting.map(() => ({ status: 'rejected', reason: wrongPassword })),
    )
    control.connect = succeed
    const served = pool.checkout()
    await time.pass(100, settle)
    await served
    expect(connections).toHaveLength(2)
  })

  test('a failing server gets one attempt at a time however many wait, and the first success serves them', async () => {
    const { pool, clock, control } = createFakePool({ poolSize: 10 })
    using time = createVirtualTime(clock)
    const succeed = control.connect
    let underWay = 0
    let most = 0
    let failures = 4
    control.connect = async (make, signal) => {
      if (failures <= 0) return succeed(make, signal)
      most = Math.max(most, ++underWay)
      await settle()
      underWay--
      failures--
      throw new ConnectError('refused')
    }
    // The first burst does not know yet that the server fails.
    pool.checkout({ timeoutMs: 1 }).catch(() => {})
    await time.pass(1, settle)
    expect({ failures, waiting: pool.status().waiting }).toEqual({ failures: 3, waiting: 0 })
    most = 0
    const serving = checkoutMany(pool, 8)
    await time.pass(1_000, settle)
    const leases = await serving
    expect({ leases: leases.length, most }).toEqual({ leases: 8, most: 1 })
  })

  test('an outage is waited out for connectTimeoutMs; then callers are rejected at the next failure', async () => {
    const { pool, clock, control } = createFakePool()
    using time = createVirtualTime(clock)
    const refused = new ConnectError('refused', { driverCode: 'ECONNREFUSED' })
    control.connect = () => Promise.reject(refused)
    const waiting = pool.checkout().catch((thrown: unknown) => thrown)
    await time.pass(connectTimeoutMs - 1, settle)
    expect(stateOf(pool)).toMatchObject({ waiting: 1 })
    await time.pass(1_000, settle)
    expect(await waiting).toBe(refused)
    const attempts = control.attempts
    const next = pool.checkout().catch((thrown: unknown) => thrown)
    await time.pass(1_000, settle)
    expect(await next).toBe(refused)
    expect(control.attempts).toBe(attempts + 1)
  })

  test('a full queue refuses the next caller at once and says when to come back', async () => {
    const { pool, events } = createFakePool({ poolSize: 1, maxOverflow: 0, maxWaiting: 2 })
    const held = await pool.checkout()
    const waiting = [pool.checkout(), pool.checkout()]
    await settle()
    const error = await pool.checkout().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PoolSaturatedError)
    expect(error).toMatchObject({ code: 'POOL_SATURATED', status: { waiting: 2 } })
    expect((error as PoolSaturatedError).retryAfterMs).toBeGreaterThan(0)
    expect({ events, saturations: pool.status().counters.saturations }).toEqual({
      events: ['saturated'],
      saturations: 1,
    })
    await held.checkin()
    for (const checkout of waiting) await (await checkout).checkin()
  })

  test('without a queue a checkout still waits for its own connect, and the next one is refused', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0, maxWaiting: 0 })
    await pool.checkout()
    await expect(pool.checkout()).rejects.toThrow(PoolSaturatedError)
  })

  test('a checkout inside a lease on a full pool is reported when nobody could ever be served', async () => {
    const { pool } = createFakePool({ poolSize: 2, maxOverflow: 0 })
    const [first, second] = await checkoutMany(pool, 2)
    const nested = pool.checkout({ holder: first })
    await settle()
    // Not yet: the second holder may still give its connection back.
    expect(stateOf(pool)).toMatchObject({ waiting: 1 })
    const deadly = await pool.checkout({ holder: second }).catch((thrown: unknown) => thrown)
    expect(deadly).toBeInstanceOf(NestedCheckoutError)
    await second?.checkin()
    await (await nested).checkin()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 0 })
  })

  test('a checkout started inside a lease counts as inside only while that lease is held', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const ended = await pool.checkout()
    await ended.checkin()
    const held = await pool.checkout()
    // What was started in the first lease lives on; the second is another's, on the same connection.
    const waiting = pool.checkout({ holder: ended })
    await settle()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 1 })
    await held.checkin()
    await (await waiting).checkin()
  })

  test('a checkout that still waits when the lease around it has ended does not make the next holder one that waits', async () => {
    const { pool } = createFakePool({ poolSize: 2, maxOverflow: 0 })
    const [first, second] = await checkoutMany(pool, 2)
    const ahead = pool.checkout()
    const nested = pool.checkout({ holder: first })
    await first?.checkin()
    const next = await ahead
    // It holds the connection of the first, and waits for nobody: there will be one for a checkout inside the second.
    const waiting = pool.checkout({ holder: second })
    await settle()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 2, waiting: 2 })
    await next.checkin()
    await (await nested).checkin()
    await (await waiting).checkin()
  })

  test('counts waits and the time spent in them', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const held = await pool.checkout()
    const before = pool.status().counters
    const next = pool.checkout()
    clock.now += 40
    expect(pool.status()).toMatchObject({ longestWaitMs: 40, oldestLeaseMs: 40 })
    await held.checkin()
    await next
    const { checkouts, waits, waitMs } = pool.status().counters
    expect({ checkouts, waits: waits - before.waits, waitMs: waitMs - before.waitMs }).toEqual({
      checkouts: 2,
      waits: 1,
      waitMs: 40,
    })
  })
})

describe('a pool without a queue', () => {
  test('refuses nobody while an idle connection only has to be pinged', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 0, maxWaiting: 0 })
    await (await pool.checkout()).checkin()
    clock.now += 60_000
    const lease = await pool.checkout()
    const refused = await pool.checkout().catch((error: unknown) => error)
    expect({ pings: pool.status().counters.pings, refused }).toMatchObject({
      pings: 1,
      refused: { code: 'POOL_SATURATED' },
    })
    await lease.checkin()
  })
})

describe('shared leases', () => {
  test('go to idle connections first, then to new ones below poolSize, then behind the least loaded', async () => {
    const { pool } = createFakePool({ poolSize: 2, maxOverflow: 1, sharedDepth: 3 })
    const leases = [await pool.share(), await pool.share()]
    expect(stateOf(pool)).toMatchObject({ total: 2, checkedOut: 2 })
    for (let i = 0; i < 4; i++) leases.push(pool.tryShare() as FakeShare)
    expect(leases.map((lease) => lease.connection.id).sort()).toEqual([1, 1, 1, 2, 2, 2])
    // Both are at their depth: only overflow is left.
    expect(pool.tryShare()).toBeNull()
    const seventh = await pool.share()
    expect(seventh.connection?.id).toBe(3)
    for (const lease of [...leases, seventh]) lease.end()
    expect(stateOf(pool)).toMatchObject({ total: 2, idle: 2, checkedOut: 0 })
  })

  test('are not put behind a statement that is slow already', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 1, slowStatementMs: 20 })
    const slow = await pool.share()
    clock.now += 21
    expect(pool.tryShare()).toBeNull()
    const other = await pool.share()
    expect(other.connection).not.toBe(slow.connection as FakeConnection)
    slow.end()
    other.end()
  })

  test('of a statement that must be alone have nobody before and nobody behind them', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0, sharedDepth: 8 })
    const shared = await pool.share()
    const behind = pool.tryShare(undefined, 'alone')
    const waiting = pool.share({}, 'alone')
    await settle()
    expect({ behind, ...stateOf(pool) }).toMatchObject({ behind: null, checkedOut: 1, waiting: 1 })
    shared.end()
    const lease = await waiting
    expect(pool.tryShare()).toBeNull()
    lease.end()
  })

  test('never starve an exclusive checkout: while one waits, no statement is put before it', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0, sharedDepth: 8 })
    const leases = [await pool.share(), pool.tryShare(), pool.tryShare()]
    const exclusive = pool.checkout()
    await settle()
    expect(pool.tryShare()).toBeNull()
    const later = pool.share()
    for (const lease of leases) lease?.end()
    const lease = await exclusive
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 1 })
    await lease.checkin()
    const last = await later
    last.end()
  })

  test('are not put on a connection that has not answered since another one was lost', async () => {
    const { pool, clock } = createFakePool({ poolSize: 2, maxOverflow: 0, sharedDepth: 8 })
    const first = await pool.share()
    const second = await pool.share()
    clock.now += 1
    first.connection?.lose(new Error('reset'))
    const third = await pool.share()
    expect(third.connection?.id).toBe(3)
    const fourth = pool.tryShare()
    expect(fourth?.connection?.id).toBe(3)
    second.end()
  })
})
