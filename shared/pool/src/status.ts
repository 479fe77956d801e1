import type { HistogramSnapshot } from './histogram.ts'

/** What a pool reports when it happens. */
export type PoolEventType =
  | 'connect-failed'
  | 'connection-lost'
  | 'ping-failed'
  | 'reset-failed'
  | 'invalidated'
  | 'checkout-timeout'
  | 'saturated'
  | 'nested-checkout'
  | 'checkout-slow'
  | 'lease-leaked'
  | 'lease-returned'

/** Why a pooled connection was closed. */
export type CloseReason =
  | 'overflow'
  | 'recycled'
  | 'idle'
  | 'ceiling'
  | 'invalidated'
  | 'ping-failed'
  | 'reset-failed'
  | 'busy-at-checkin'
  | 'replaced'
  | 'lost'
  | 'shutdown'

/** What has happened in the pool since it was made; all only grow. */
export interface PoolCounters {
  /** Leases given, shared ones (single statements) and exclusive ones alike. */
  checkouts: number
  /** Checkouts that had to wait in the queue. */
  waits: number
  /** Time in ms spent in the queue, all waits together. */
  waitMs: number
  /** Waits ended by a deadline, no matter who set it, while every connection was out. */
  timeouts: number
  /** Checkouts that their caller gave up by a signal, in the queue or before. */
  cancels: number
  /** Checkouts refused because the queue was full. */
  saturations: number
  /** Statements that turned out slow, with others behind them: cancelled, and run again on a connection of their own. */
  preemptions: number
  /** Statements and callers that only a last check settled; each is a defect of this layer. */
  defects: number
  connects: number
  connectFailures: number
  pings: number
  pingFailures: number
  recycles: number
  /** Times that a whole generation of connections was retired. */
  invalidations: number
  closes: Record<CloseReason, number>
}

/** One consistent snapshot of a pool: total = idle + checkedOut + connecting, always. */
export interface PoolStatus {
  name: string
  poolSize: number
  maxOverflow: number
  total: number
  idle: number
  /** Connections in use, by one exclusive lease or by any number of shared ones. */
  checkedOut: number
  /** Connections beyond poolSize. */
  overflow: number
  connecting: number
  waiting: number
  /** Single statements that wait behind another one on its connection; they are not in the queue. */
  behind: number
  /** Most connections there may be now; absent where nothing but poolSize and maxOverflow bounds them. */
  allowance?: number
  oldestLeaseMs: number | null
  longestWaitMs: number | null
  /** How long the slowest statement that others are behind has been running; null when none is. */
  longestBehindMs: number | null
  counters: PoolCounters
}

/** How long things took since the pool was made. */
export interface PoolTimings {
  /** From the request for a lease to having it, of the callers that got one; 0 where there was no wait. */
  waitMs: HistogramSnapshot
  /** How long leases were held: by one statement, or exclusively. */
  useMs: HistogramSnapshot
  /** Opening a connection, up to its first answer. */
  createMs: HistogramSnapshot
  /**
   * How long those have waited until now that still wait: callers in the queue, and statements behind another one, which count as
   * long as that one has been running.
   */
  waitingMs: HistogramSnapshot
  /** How long until now the leases have been held that are out, of a shared connection the statement that runs. */
  holdingMs: HistogramSnapshot
}

/** Counters at zero. */
export function createCounters(): PoolCounters {
  return {
    checkouts: 0,
    waits: 0,
    waitMs: 0,
    timeouts: 0,
    cancels: 0,
    saturations: 0,
    preemptions: 0,
    defects: 0,
    connects: 0,
    connectFailures: 0,
    pings: 0,
    pingFailures: 0,
    recycles: 0,
    invalidations: 0,
    closes: {
      overflow: 0,
      recycled: 0,
      idle: 0,
      ceiling: 0,
      invalidated: 0,
      'ping-failed': 0,
      'reset-failed': 0,
      'busy-at-checkin': 0,
      replaced: 0,
      lost: 0,
      shutdown: 0,
    },
  }
}

/** What a status is taken of. */
interface PoolParts {
  name: string
  options: { poolSize: number; maxOverflow: number }
  /** Most connections there may be now, and ever. */
  limit: number
  most: number
  slots: {
    count: { connecting: number; idle: number }
    leased: number
    oldestLease: number | null
    crowd: { behind: number; since: number | null }
  }
  queue: { length: number; head: { since: number } | null }
  counters: PoolCounters
  now: number
}

/** The snapshot of a pool. */
export function poolStatus({
  name,
  options,
  limit,
  most,
  slots,
  queue,
  counters,
  now,
}: PoolParts): PoolStatus {
  const { poolSize, maxOverflow } = options
  const { count, leased, oldestLease, crowd } = slots
  const total = count.connecting + count.idle + leased
  return {
    name,
    poolSize,
    maxOverflow,
    total,
    idle: count.idle,
    checkedOut: leased,
    overflow: Math.max(0, total - poolSize),
    connecting: count.connecting,
    waiting: queue.length,
    behind: crowd.behind,
    ...(limit < most && { allowance: limit }),
    oldestLeaseMs: oldestLease === null ? null : now - oldestLease,
    longestWaitMs: queue.head && now - queue.head.since,
    longestBehindMs: crowd.since === null ? null : now - crowd.since,
    counters: { ...counters, closes: { ...counters.closes } },
  }
}

/** A pool's state in a few words, for a log line. */
export function describeStatus({ checkedOut, idle, connecting, waiting }: PoolStatus): string {
  return `${checkedOut} checked out, ${idle} idle, ${connecting} connecting, ${waiting} waiting`
}
