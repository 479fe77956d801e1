import { type PoolStatus, type PoolTimings, quantileMs } from '@shared/database'
import type { DatabaseHealth } from '../server/health-probe.ts'

/** One second of a pool's life. */
export interface Sample {
  /** When it was taken, in epoch ms; later samples have later times. */
  at: number
  idle: number
  used: number
  /** Connections beyond poolSize. */
  overflow: number
  connecting: number
  waiting: number
  /** poolSize + maxOverflow; Infinity, so null in JSON, where overflow has no limit. */
  max: number
  /** Leases given since the sample before. */
  checkouts: number
  /**
   * Of the leases given, in ms: the 99th percentile of the time to get one, rounded up to a bound of the histogram, and
   * 30 000 for that and longer; null when there were none.
   */
  waitP99Ms: number | null
  /** Of the leases that ended, likewise. */
  useP50Ms: number | null
  useP99Ms: number | null
  /** Timeouts, refusals of a full queue, connections lost and connects that failed, since the sample before. */
  failures: number
  /** The last answer of the health probe; null before there was one. */
  health: { status: DatabaseHealth['status']; latencyMs: number | null } | null
}

/** Everything the monitor reads at one moment. */
export interface Reading {
  at: number
  pool: PoolStatus
  timings: PoolTimings
  health: DatabaseHealth | null
}

/** A sample with the readings at both its ends. */
export interface SampleRecord {
  readonly sample: Sample
  readonly before: Reading
  readonly now: Reading
}

/** What happened between two readings. */
export function sampleBetween(before: Reading, now: Reading): Sample {
  const { pool, health } = now
  return {
    at: now.at,
    idle: pool.idle,
    used: pool.checkedOut,
    overflow: pool.overflow,
    connecting: pool.connecting,
    waiting: pool.waiting,
    max: capacity(pool),
    checkouts: pool.counters.checkouts - before.pool.counters.checkouts,
    waitP99Ms: boundedQuantile('waitMs', 0.99, before, now),
    useP50Ms: boundedQuantile('useMs', 0.5, before, now),
    useP99Ms: boundedQuantile('useMs', 0.99, before, now),
    failures: failuresOf(pool) - failuresOf(before.pool),
    health: health && { status: health.status, latencyMs: hundredths(health.latencyMs) },
  }
}

/** The most connections a pool opens; a negative overflow means no limit. */
export function capacity({ poolSize, maxOverflow }: Pick<PoolStatus, 'poolSize' | 'maxOverflow'>): number {
  return maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
}

/** A percentile in ms between two readings; the last bound stands for everything beyond it. */
export function boundedQuantile(
  kind: keyof PoolTimings,
  q: number,
  before: Reading,
  now: Reading,
): number | null {
  const value = quantileMs(now.timings[kind], q, before.timings[kind])
  return value === Number.POSITIVE_INFINITY ? (now.timings[kind].boundsMs.at(-1) ?? null) : value
}

function failuresOf({ counters }: PoolStatus): number {
  return counters.timeouts + counters.saturations + counters.closes.lost + counters.connectFailures
}

/** What lies below a hundredth of a millisecond is noise. */
function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}
