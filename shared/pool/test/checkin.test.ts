import { describe, expect, test } from 'bun:test'
import { createFakePool, deferred, settle, stateOf } from './fake-pool.ts'

describe('checkin', () => {
  test('twice is harmless, and never hands one connection to two holders', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const first = await pool.checkout()
    await first.checkin()
    const second = await pool.checkout()
    await first.checkin()
    const third = pool.checkout()
    await settle()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 1 })
    await second.checkin()
    expect((await third).connection).toBe(first.connection)
  })

  test('of a warm connection and its checkout are over before anything else happens', async () => {
    const { pool } = createFakePool()
    expect(pool.tryCheckout()).toBeNull()
    await (await pool.checkout()).checkin()
    const lease = pool.tryCheckout()
    const held = stateOf(pool)
    void lease?.checkin()
    expect([held, stateOf(pool)]).toMatchObject([
      { idle: 0, checkedOut: 1 },
      { idle: 1, checkedOut: 0 },
    ])
  })

  test('says that the lease has ended', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    expect(lease.ended).toBe(false)
    await lease.checkin()
    expect(lease.ended).toBe(true)
  })

  test('resets the connection before anybody else gets it, in the given mode', async () => {
    const { pool } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await pool.checkout()
    const resetting = deferred<void>()
    lease.connection.onReset = () => resetting.promise
    const back = lease.checkin({ reset: 'discard' })
    const next = pool.checkout()
    await settle()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1, waiting: 1 })
    resetting.resolve()
    await back
    expect((await next).connection).toMatchObject({ id: 1, resets: ['discard'] })
  })

  test('destroys a connection whose reset fails, and the next caller gets another', async () => {
    const { pool, events } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await pool.checkout()
    lease.connection.onReset = () => Promise.reject(new Error('reset failed'))
    const next = pool.checkout()
    await lease.checkin({ reset: 'rollback' })
    expect((await next).connection.id).toBe(2)
    expect({ ended: lease.connection.ended, events }).toEqual({
      ended: 'destroyed',
      events: ['reset-failed'],
    })
    expect(pool.status().counters.closes).toMatchObject({ 'reset-failed': 1 })
  })

  test('destroys a connection that still runs something: its answer would reach the next holder', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    lease.connection.inFlight = 1
    await lease.checkin({ reset: 'rollback' })
    expect(lease.connection).toMatchObject({ ended: 'destroyed', resets: [] })
    expect(pool.status()).toMatchObject({ total: 0, counters: { closes: { 'busy-at-checkin': 1 } } })
  })

  test('of a connection that died while held does nothing', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    lease.connection.lose()
    await lease.checkin({ reset: 'rollback' })
    expect(lease.connection.resets).toEqual([])
    expect(stateOf(pool)).toMatchObject({ total: 0 })
  })
})
