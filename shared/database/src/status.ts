import type { HistogramSnapshot } from './histogram.ts'
import type { PoolOptions } from './options.ts'
import type { PoolConnection, Slot } from './slot.ts'
import type { Supply } from './supply.ts'
import type { WaitLine } from './wait-line.ts'

/** Why a pooled connection was closed. */
export type CloseReason =
  | 'overflow'
  | 'recycled'
  | 'idle'
  | 'invalidated'
  | 'ping-failed'
  | 'reset-failed'
  | 'busy-at-checkin'
  | 'worn'
  | 'lost'
  | 'shutdown'

/** What has happened in the pool since it was made; all only grow. */
export interface PoolCounters {
  /** Leases given, shared ones (single statements) and exclusive ones alike. */
  checkouts: number
  /** Checkouts that had to stand in line. */
  waits: number
  /** Time in ms spent in line, all waits together. */
  waitMs: number
  /** Waits ended by a deadline, whoever set it, while every connection was out. */
  timeouts: number
  /** Checkouts that their caller gave up by a signal, in line or before. */
  cancels: number
  /** Checkouts refused because the line was full. */
  saturations: number
  /** Statements that turned out slow, with others behind them: cancelled, and run again on a connection of their own. */
  preemptions: number
  /** Statements and callers that only the last line of defence settled; each is a defect of this layer. */
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
  oldestLeaseMs: number | null
  longestWaitMs: number | null
  counters: PoolCounters
}

/** How long things took since the pool was made. */
export interface PoolTimings {
  /** From asking for a lease to having it, of those who got one; 0 for who did not wait. */
  waitMs: HistogramSnapshot
  /** How long leases were held: by one statement, or exclusively. */
  useMs: HistogramSnapshot
  /** Opening a connection, up to its first answer. */
  createMs: HistogramSnapshot
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
      invalidated: 0,
      'ping-failed': 0,
      'reset-failed': 0,
      'busy-at-checkin': 0,
      worn: 0,
      lost: 0,
      shutdown: 0,
    },
  }
}

/** What a status is taken of. */
interface PoolParts<C extends PoolConnection> {
  name: string
  pool: PoolOptions
  supply: Supply<C>
  line: WaitLine<Slot<C>>
  counters: PoolCounters
  now: number
}

/** The snapshot of a pool. */
export function poolStatus<C extends PoolConnection>(parts: PoolParts<C>): PoolStatus {
  const { name, supply, line, counters, now } = parts
  const { poolSize, maxOverflow } = parts.pool
  const { connecting, idle, leased } = supply.count
  let leasedAt = now
  for (const slot of supply.slots) if (slot.state === 'leased') leasedAt = Math.min(leasedAt, slot.leasedAt)
  const total = connecting + idle + leased
  return {
    name,
    poolSize,
    maxOverflow,
    total,
    idle,
    checkedOut: leased,
    overflow: Math.max(0, total - poolSize),
    connecting,
    waiting: line.length,
    oldestLeaseMs: leased > 0 ? now - leasedAt : null,
    longestWaitMs: line.head ? now - line.head.since : null,
    counters: { ...counters, closes: { ...counters.closes } },
  }
}

/** A pool's state in a few words, for a log line. */
export function describeStatus({ checkedOut, idle, connecting, waiting }: PoolStatus): string {
  return `${checkedOut} checked out, ${idle} idle, ${connecting} connecting, ${waiting} waiting`
}
