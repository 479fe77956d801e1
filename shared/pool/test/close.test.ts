import { describe, expect, test } from 'bun:test'
import { PoolClosedError } from '../src/errors.ts'
import { checkoutMany, createFakePool, deferred, type FakeConnection, settle, stateOf } from './fake-pool.ts'

describe('close', () => {
  test('before first use settles', async () => {
    const { pool } = createFakePool()
    await pool.close()
    await expect(pool.checkout()).rejects.toThrow(PoolClosedError)
    await expect(pool.share()).rejects.toThrow(PoolClosedError)
    expect(pool.tryShare()).toBeNull()
  })

  test('twice, and at once, is one close', async () => {
    const { pool } = createFakePool()
    await (await pool.checkout()).checkin()
    const closing = pool.close()
    expect(pool.close()).toBe(closing)
    await closing
    await pool.close()
    expect(pool.status().counters.closes).toMatchObject({ shutdown: 1 })
  })

  test('rejects the waiters at once, refuses new callers, and waits for the leases that are out', async () => {
    const { pool, connections } = createFakePool({ poolSize: 2, maxOverflow: 0 })
    const [first, second] = await checkoutMany(pool, 2)
    await second?.checkin()
    const third = await pool.checkout()
    const waiting = pool.checkout()
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    await expect(waiting).rejects.toThrow(PoolClosedError)
    await expect(pool.checkout()).rejects.toThrow(PoolClosedError)
    await first?.checkin()
    await settle()
    expect({ closed, ...stateOf(pool) }).toMatchObject({ closed: false, checkedOut: 1 })
    await third.checkin()
    await closing
    expect(connections.map(({ ended }) => ended)).toEqual(['closed', 'closed'])
    expect(stateOf(pool)).toMatchObject({ total: 0 })
  })

  test('waits for shared leases too', async () => {
    const { pool } = createFakePool()
    const slot = await pool.share()
    const closing = pool.close()
    await settle()
    expect(stateOf(pool)).toMatchObject({ checkedOut: 1 })
    slot.end()
    await closing
    expect(stateOf(pool)).toMatchObject({ total: 0 })
  })

  test('cuts what is still out at its deadline, and a late checkin does nothing', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    await pool.close({ timeoutMs: 10 })
    expect(lease.connection.ended).toBe('destroyed')
    await lease.checkin({ reset: 'discard' })
    expect(pool.status()).toMatchObject({ total: 0, checkedOut: 0 })
  })

  test('while connecting ends the attempt', async () => {
    const { pool, control } = createFakePool()
    control.connect = (_make, signal) =>
      new Promise<FakeConnection>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
    const checkout = pool.checkout()
    const closing = pool.close()
    await expect(checkout).rejects.toThrow(PoolClosedError)
    await closing
    expect(pool.status()).toMatchObject({ total: 0, counters: { connectFailures: 0 } })
  })

  test('waits until the server has let go of every connection', async () => {
    const { pool } = createFakePool()
    const lease = await pool.checkout()
    const gone = deferred()
    lease.connection.closing = gone.promise
    await lease.checkin()
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    await settle()
    expect(closed).toBe(false)
    gone.resolve()
    await closing
  })
})
