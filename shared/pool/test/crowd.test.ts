import { describe, expect, test } from 'bun:test'
import { CheckoutTimeoutError, ConnectError } from '../src/errors.ts'
import { createFakePool, deferred, runClock, settle, stateOf } from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

describe('a deadline', () => {
  test('ends nobody early, however many race for the same connection', async () => {
    const { pool, clock } = createFakePool({ poolSize: 1, maxOverflow: 1 })
    runClock(clock)
    const waits: { timeoutMs: number; waitedMs: number; error: unknown }[] = []
    let served = 0
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const timeoutMs = 10 + (i % 7)
        const since = clock.now
        try {
          const lease = await pool.checkout({ timeoutMs })
          served++
          // Some come back at once, so that the waiters race for them; the last two never do.
          if (served < 20) await lease.checkin()
        } catch (error) {
          waits.push({ timeoutMs, waitedMs: clock.now - since, error })
        }
      }),
    )
    expect({ served, timedOut: waits.length }).toEqual({ served: 21, timedOut: 39 })
    for (const { error } of waits) expect(error).toBeInstanceOf(CheckoutTimeoutError)
    expect(waits.filter(({ timeoutMs, waitedMs }) => waitedMs < timeoutMs)).toEqual([])
    expect(stateOf(pool)).toMatchObject({ checkedOut: 2, waiting: 0 })
  })

  test('covers the ping that gets no answer and the connect after it: both together take no longer', async () => {
    const { pool, clock, connections, control } = createFakePool({
      poolSize: 1,
      maxOverflow: 0,
      prePingIdleMs: 0,
      prePingTimeoutMs: 10_000,
    })
    using time = createVirtualTime(clock)
    await (await pool.checkout()).checkin()
    const unanswered = deferred()
    for (const connection of connections) connection.onPing = () => unanswered.promise
    control.connect = () => new Promise(() => {})

    /** How a checkout ends, and after how long. */
    const ended = async (timeoutMs: number) => {
      const since = clock.now
      const error = await pool.checkout({ timeoutMs }).catch((thrown: unknown) => thrown)
      return { isConnectError: error instanceof ConnectError, afterMs: clock.now - since }
    }
    const pinging = ended(30)
    await time.pass(30, settle)
    const connecting = ended(40)
    await time.pass(10, settle)
    unanswered.reject(new Error('no answer'))
    await time.pass(30, settle)
    expect([await pinging, await connecting]).toEqual([
      { isConnectError: true, afterMs: 30 },
      { isConnectError: true, afterMs: 40 },
    ])
    expect(pool.status()).toMatchObject({
      waiting: 0,
      connecting: 1,
      counters: { pings: 1, pingFailures: 1 },
    })
    const closing = pool.close({ timeoutMs: 1 })
    await time.pass(3_000, settle)
    await closing
  })
})
