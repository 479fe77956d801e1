import { describe, expect, test } from 'bun:test'
import { CheckoutTimeoutError, ConnectError, NoRoomError } from '../src/errors.ts'
import { checkoutMany, createFakePool, settle, stateOf } from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

describe('an allowance below poolSize + maxOverflow', () => {
  test('closes idle connections beyond it, the one used longest ago first', async () => {
    const { pool, connections } = createFakePool({ poolSize: 3, maxOverflow: 0 })
    for (const lease of await checkoutMany(pool, 3)) await lease.checkin()
    pool.allow(1)
    expect({
      ...stateOf(pool),
      open: connections.filter(({ ended }) => ended === null).map(({ id }) => id),
      closed: pool.status().counters.closes.ceiling,
    }).toEqual({
      total: 1,
      idle: 1,
      checkedOut: 0,
      overflow: 0,
      connecting: 0,
      waiting: 0,
      open: [3],
      closed: 2,
    })
  })

  test('takes connections in use when they come back, before anybody in the queue', async () => {
    const { pool } = createFakePool({ poolSize: 2, maxOverflow: 0 })
    const [first, second] = await checkoutMany(pool, 2)
    pool.allow(1)
    const next = pool.checkout()
    await first?.checkin()
    expect(stateOf(pool)).toMatchObject({ total: 1, checkedOut: 1, waiting: 1 })
    await second?.checkin()
    expect((await next).connection.id).toBe(second?.connection.id as number)
  })

  test('takes shared connections too: no statement is put on those that have to leave', async () => {
    const { pool, connections } = createFakePool({ poolSize: 3, maxOverflow: 0 })
    const shares = await Promise.all([pool.share(), pool.share(), pool.share()])
    pool.allow(1)
    const more = await Promise.all([pool.share(), pool.share()])
    const onOne = more[0]?.connection
    for (const share of shares) share.end()
    expect({
      isOne: more.every(({ connection }) => connection === onOne),
      left: connections.filter(({ ended }) => ended === null).map(({ id }) => id),
    }).toEqual({ isOne: true, left: [onOne?.id as number] })
  })

  test('puts single statements behind others instead of letting them wait for a connection that may not come', async () => {
    const { pool } = createFakePool({ poolSize: 5, maxOverflow: 0 })
    pool.allow(1)
    const shares = await Promise.all([pool.share(), pool.share(), pool.share()])
    expect({
      ...stateOf(pool),
      on: new Set(shares.map(({ connection }) => connection.id)).size,
    }).toMatchObject({ total: 1, checkedOut: 1, waiting: 0, on: 1 })
  })

  test('is reported as missed by a caller that would take another connection, and its raise serves them', async () => {
    let missed = 0
    const { pool } = createFakePool({ poolSize: 2, maxOverflow: 1 }, undefined, () => missed++)
    pool.allow(1)
    await pool.checkout()
    expect(missed).toBe(0)
    const waiting = pool.checkout()
    await settle()
    expect({ missed: missed > 0, waiting: pool.status().waiting, demand: pool.demand(0) }).toEqual({
      missed: true,
      waiting: 1,
      demand: 2,
    })
    pool.allow(2)
    await waiting
    expect(stateOf(pool)).toMatchObject({ total: 2, checkedOut: 2, waiting: 0 })
  })

  test('of none lets callers wait until there is one, and says so when their time is over', async () => {
    const { pool, clock, control } = createFakePool()
    using time = createVirtualTime(clock)
    pool.allow(0)
    const refused = pool.checkout({ timeoutMs: 20 }).catch((thrown: unknown) => thrown)
    await time.pass(20, settle)
    const error = await refused
    expect(error).toBeInstanceOf(CheckoutTimeoutError)
    expect(String(error)).toContain('of which 0 are allowed now')
    const served = pool.checkout()
    expect({ attempts: control.attempts, allowance: pool.status().allowance }).toEqual({
      attempts: 0,
      allowance: 0,
    })
    pool.allow(Number.POSITIVE_INFINITY)
    await (await served).checkin()
    expect(pool.status()).not.toHaveProperty('allowance')
  })

  test('counts what has been used of late as demand, and no longer what has not', async () => {
    const { pool, clock } = createFakePool({ poolSize: 3, maxOverflow: 0 })
    const leases = await checkoutMany(pool, 3)
    for (const lease of leases) await lease.checkin()
    const before = pool.demand(1_000)
    clock.now += 1_001
    expect({ before, after: pool.demand(1_000) }).toEqual({ before: 3, after: 0 })
  })
})

test('a connector without room is no failure: nobody is rejected, nothing is counted, and no pause follows', async () => {
  const { pool, clock, control, events } = createFakePool()
  using _time = createVirtualTime(clock)
  control.connect = async (make) => {
    if (control.attempts > 1) return make()
    pool.allow(0)
    throw new NoRoomError()
  }
  const served = pool.checkout()
  await settle()
  expect({ ...stateOf(pool), events, failures: pool.status().counters.connectFailures }).toEqual({
    total: 0,
    idle: 0,
    checkedOut: 0,
    overflow: 0,
    connecting: 0,
    waiting: 1,
    events: [],
    failures: 0,
  })
  pool.allow(1)
  expect((await served).connection.id).toBe(1)
})

test('after an outage connects begin one at a time and double with each that succeeds', async () => {
  const { pool, clock, control } = createFakePool({ poolSize: 16, maxOverflow: 0 })
  using time = createVirtualTime(clock)
  let isDown = true
  let underWay = 0
  let succeeded = 0
  let opened = 0
  const tooMany: string[] = []
  control.connect = async (make) => {
    if (isDown) throw new ConnectError('down')
    opened++
    if (++underWay > 2 ** succeeded) tooMany.push(`${underWay} at once after ${succeeded} that succeeded`)
    await settle()
    underWay--
    succeeded++
    return make()
  }
  const all = checkoutMany(pool, 16)
  await time.pass(100, settle)
  expect({ wereTried: control.attempts > 1, opened }).toEqual({ wereTried: true, opened: 0 })
  isDown = false
  await time.pass(1_000, settle)
  await all
  expect({ tooMany, opened }).toEqual({ tooMany: [], opened: 16 })
})
