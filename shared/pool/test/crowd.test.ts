import { describe, expect, test } from 'bun:test'
import { CheckoutTimeoutError, ConnectError } from '../src/errors.ts'
import { createFakePool, deferred, runClock, stateOf } from './fake-pool.ts'

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
    runClock(clock)
    await (await pool.checkout()).checkin()
    const unanswered = deferred()
    for (const connection of connections) connection.onPing = () => unanswered.promise
    control.connect = () => new Promise(() => {})

    const pinging = await pool.checkout({ timeoutMs: 30 }).catch((thrown: unknown) => thrown)
    expect(pinging).toBeInstanceOf(ConnectError)
    const connecting = pool.checkout({ timeoutMs: 40 }).catch((thrown: unknown) => thrown)
    unanswered.reject(new Error('no answer'))
    expect(await connecting).toBeInstanceOf(ConnectError)
    expect(pool.status()).toMatchObject({
      waiting: 0,
      connecting: 1,
      counters: { pings: 1, pingFailures: 1 },
    })
    await pool.close({ timeoutMs: 1 })
  })
})
