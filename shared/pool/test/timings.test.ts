import { describe, expect, test } from 'bun:test'
import type { HistogramSnapshot } from '../src/histogram.ts'
import { createFakePool, deferred, type FakeConnection } from './fake-pool.ts'

/** The buckets that hold something, and the sum. */
function filled({ boundsMs, counts, count, sumMs }: HistogramSnapshot) {
  const buckets = counts.flatMap((n, bucket) => (n > 0 ? [[boundsMs[bucket], n]] : []))
  return { buckets, count, sumMs }
}

describe('timings', () => {
  test('say how long connects, waits and leases took, those that did not wait included', async () => {
    const { pool, clock, control } = createFakePool({ poolSize: 1, maxOverflow: 0 })
    const opened = deferred<FakeConnection>()
    const succeed = control.connect
    control.connect = async (make) => {
      await opened.promise
      return make()
    }
    const first = pool.checkout()
    clock.now += 20
    opened.resolve(undefined as never)
    control.connect = succeed
    const lease = await first
    const second = pool.share()
    clock.now += 200
    await lease.checkin()
    const slot = await second
    clock.now += 4
    slot.end()
    const third = pool.tryShare()
    if (!third) throw new Error('the connection is free')
    third.end()
    const { createMs, waitMs, useMs } = pool.timings()
    expect({ create: filled(createMs), wait: filled(waitMs), use: filled(useMs) }).toEqual({
      create: { buckets: [[25, 1]], count: 1, sumMs: 20 },
      wait: {
        buckets: [
          [0.1, 1],
          [25, 1],
          [250, 1],
        ],
        count: 3,
        sumMs: 220,
      },
      use: {
        buckets: [
          [0.1, 1],
          [5, 1],
          [250, 1],
        ],
        count: 3,
        sumMs: 204,
      },
    })
  })
})
