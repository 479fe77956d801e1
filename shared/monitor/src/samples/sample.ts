import {
  type HistogramSnapshot,
  type PoolStatus,
  type PoolTimings,
  quantileMs,
  type ReadCounters,
} from '@shared/database'
import type { DatabaseHealth } from '../server/health-probe.ts'
import type { HostReport } from '../server/host-report.ts'

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
  /** Single statements that wait behind another one on its connection. */
  behind: number
  /** poolSize + maxOverflow; Infinity, so null in JSON, where overflow has no limit. */
  max: number
  /** Leases given since the sample before. */
  checkouts: number
  /** Statements that were sent and ended since the sample before, those of transactions too; null where nobody counts them. */
  statements: number | null
  /**
   * Of the leases given, and of the callers that still wait with what they have waited until now, in ms: the 99th percentile of the
   * time to get one, rounded up to a bound of the histogram, and 30 000 for that and longer; null when there were none.
   */
  waitP99Ms: number | null
  /** Of the leases that ended, and of those that are out with the time until now, likewise. */
  useP50Ms: number | null
  useP99Ms: number | null
  /**
   * Callers that failed since the sample before: requests that were answered with 5xx where a service counts them, else checkouts that
   * timed out or were refused by a full queue.
   */
  failures: number
  /** Connections lost and connects that failed since the sample before: their callers may have got another one. */
  connectionFailures: number
  /** The last answer of the health probe; null before there was one. */
  health: { status: DatabaseHealth['status']; latencyMs: number | null } | null
  /** How far the standby that is furthest behind is, in ms; null without one. */
  lagMs: number | null
}

/** Everything the monitor reads at one moment. */
export interface Reading {
  at: number
  pool: PoolStatus
  timings: PoolTimings
  health: DatabaseHealth | null
  hosts: readonly HostReport[]
  reads: ReadCounters
  /** Callers that failed since the start. */
  failures: number
  /** Statements that were sent and ended since the start; null where nobody counts them. */
  statements: number | null
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
    behind: pool.behind,
    max: capacity(pool),
    checkouts: pool.counters.checkouts - before.pool.counters.checkouts,
    statements:
      now.statements === null || before.statements === null ? null : now.statements - before.statements,
    waitP99Ms: boundedQuantile('waitMs', 0.99, before, now, now.timings.waitingMs),
    useP50Ms: boundedQuantile('useMs', 0.5, before, now, now.timings.holdingMs),
    useP99Ms: boundedQuantile('useMs', 0.99, before, now, now.timings.holdingMs),
    failures: now.failures - before.failures,
    connectionFailures: connectionFailuresOf(pool) - connectionFailuresOf(before.pool),
    health: health && { status: health.status, latencyMs: hundredths(health.latencyMs) },
    lagMs: now.hosts.reduce<number | null>(
      (most, { lagMs }) => (lagMs === null ? most : Math.max(lagMs, most ?? 0)),
      null,
    ),
  }
}

/** The most connections a pool opens; a negative overflow means no limit. */
export function capacity({ poolSize, maxOverflow }: Pick<PoolStatus, 'poolSize' | 'maxOverflow'>): number {
  return maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
}

/**
 * A percentile in ms between two readings; the last bound stands for everything beyond it.
 *
 * @param unfinished What is not over yet, to be counted too.
 */
export function boundedQuantile(
  kind: 'waitMs' | 'useMs' | 'createMs',
  q: number,
  before: Reading,
  now: Reading,
  unfinished?: HistogramSnapshot,
): number | null {
  const finished = now.timings[kind]
  const value = quantileMs(unfinished ? sumOf(finished, unfinished) : finished, q, before.timings[kind])
  return value === Number.POSITIVE_INFINITY ? (finished.boundsMs.at(-1) ?? null) : value
}

function sumOf(one: HistogramSnapshot, other: HistogramSnapshot): HistogramSnapshot {
  return {
    boundsMs: one.boundsMs,
    counts: one.counts.map((count, bucket) => count + (other.counts[bucket] ?? 0)),
    count: one.count + other.count,
    sumMs: one.sumMs + other.sumMs,
  }
}

/** Callers that the pool has failed, since the start: for a database whose callers nobody else counts. */
export function failedCheckouts({ counters }: PoolStatus): number {
  return counters.timeouts + counters.saturations
}

function connectionFailuresOf({ counters }: PoolStatus): number {
  return counters.closes.lost + counters.connectFailures
}

/** What lies below a hundredth of a millisecond is noise. */
function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}
