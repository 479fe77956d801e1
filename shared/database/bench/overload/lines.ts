import type { PoolOptions } from '../../src/index.ts'
import type { Adaptive } from './adaptive-line.ts'

/** A way to bound the line: a row of the table. */
export interface Line {
  readonly title: string
  readonly pool: Partial<PoolOptions>
  readonly adaptive: Adaptive | null
}

const fixed = (maxWaiting: number, checkoutTimeoutMs?: number): Line => ({
  title: `${maxWaiting} queued${checkoutTimeoutMs ? `, ${checkoutTimeoutMs} ms` : ''}`,
  pool: { maxWaiting, ...(checkoutTimeoutMs && { checkoutTimeoutMs }) },
  adaptive: null,
})
const never = Number.POSITIVE_INFINITY
const asEver: Adaptive = {
  intervalMs: never,
  targetMs: never,
  otherwiseMs: never,
  lifo: false,
  expectedMs: never,
}
const codel = (intervalMs: number, targetMs: number, otherwiseMs: number, lifo = false): Line => ({
  title: `${targetMs} ms once it stands for ${intervalMs} ms, else ${otherwiseMs === never ? '30 s' : `${otherwiseMs} ms`}${lifo ? ', LIFO' : ''}`,
  pool: {},
  adaptive: { ...asEver, intervalMs, targetMs, otherwiseMs, lifo },
})
const expected = (expectedMs: number): Line => ({
  title: `expected wait ${expectedMs} ms`,
  pool: {},
  adaptive: { ...asEver, expectedMs },
})

/** What is compared. Where nothing else is said: a thousand queued, 30 s, first come first served. */
export const lines: readonly Line[] = [
  fixed(1_000),
  fixed(100),
  fixed(20),
  fixed(1_000, 100),
  codel(100, 5, 100),
  codel(100, 5, 100, true),
  codel(100, 5, never),
  codel(500, 50, never),
  {
    title: '1000 queued, LIFO once it stands for 100 ms',
    pool: {},
    adaptive: { ...asEver, intervalMs: 100, lifo: true },
  },
  expected(250),
  expected(500),
]
