import { capacity, type Reading, type SampleRecord } from '../samples/sample.ts'
import { type Blockage, longestBlockedMs } from '../server/blockages.ts'
import type { RunningStatement, ServerReport } from '../server/server-report.ts'

/** A stretch of time in which callers waited, failed, or were kept from a lock, with what was found to be the reason. */
export interface Incident {
  /** Epoch ms of the last sample before it. */
  readonly beganAt: number
  /** Epoch ms of the last sample that saw trouble. */
  troubleAt: number
  /** Epoch ms; null while it lasts. */
  endedAt: number | null
  /** The most that there was of each, at any sample. */
  readonly peak: { used: number; waiting: number; behind: number; waitMs: number }
  /** The most connections that there may be; Infinity without a limit. */
  capacity: number
  /** Whether every connection was in use at some time. */
  isPoolFull: boolean
  /** Failed callers since it began. */
  failures: number
  timeouts: number
  saturations: number
  /** Whether the database did not answer at some time. */
  isOutage: boolean
  /** The one with the most victims that was seen. */
  blockage: Blockage | null
  /** The oldest statement that was seen and did not wait for a lock, and how many there were of that text at the most. */
  slowest: { statement: RunningStatement; count: number } | null
}

// A burst that a pool takes in its stride keeps nobody waiting for so long.
export const waitIsTroubleMs = 500
const runIsTroubleMs = 1_000

/** A report of the server, and when it came in epoch ms. */
export interface TimedReport {
  readonly report: ServerReport
  readonly at: number
}

/** Whether a sample saw what makes an incident: the length of waits counts, not that there are some. */
export function isTroubled({ sample, before, now }: SampleRecord, server: TimedReport | null): boolean {
  const { pool } = now
  const { counters } = before.pool
  return (
    (pool.longestWaitMs ?? 0) >= waitIsTroubleMs ||
    (pool.longestBehindMs ?? 0) >= runIsTroubleMs ||
    pool.counters.timeouts > counters.timeouts ||
    pool.counters.saturations > counters.saturations ||
    sample.health?.status === 'disconnected' ||
    (isBlocked(server?.report ?? null) && !isOutdated(now, server))
  )
}

/** Whether a report saw statements wait for a lock, and everything that the pool was at then has ended since. */
export function isOutdated({ at, pool }: Reading, server: TimedReport | null): boolean {
  return server !== null && isBlocked(server.report) && (pool.oldestLeaseMs ?? 0) < at - server.at
}

/** Whether a statement has waited for a lock for long. */
export function isBlocked(report: ServerReport | null): boolean {
  return report?.blockages.some((blockage) => longestBlockedMs(blockage) >= runIsTroubleMs) ?? false
}

/** Whether it is known where an incident came from. */
export function isExplained({ isOutage, blockage }: Incident): boolean {
  return isOutage || blockage !== null
}

/** Whether it is known where it came from, or what filled the pool meanwhile. */
export function isUnderstood(incident: Incident): boolean {
  const heldMs = incident.isPoolFull ? (incident.slowest?.statement.ageMs ?? 0) : 0
  return isExplained(incident) || heldMs >= waitIsTroubleMs
}

/** An incident that begins with a sample. */
export function beginIncident({ before, now }: SampleRecord): Incident {
  return {
    beganAt: before.at,
    troubleAt: now.at,
    endedAt: null,
    peak: { used: 0, waiting: 0, behind: 0, waitMs: 0 },
    capacity: capacity(now.pool),
    isPoolFull: false,
    failures: 0,
    timeouts: 0,
    saturations: 0,
    isOutage: false,
    blockage: null,
    slowest: null,
  }
}

/** Adds a sample to the incident that it is of. */
export function addSample(incident: Incident, { sample, before, now }: SampleRecord): void {
  const { peak } = incident
  const { pool } = now
  peak.used = Math.max(peak.used, sample.used)
  peak.waiting = Math.max(peak.waiting, sample.waiting)
  peak.behind = Math.max(peak.behind, sample.behind)
  peak.waitMs = Math.max(peak.waitMs, pool.longestWaitMs ?? 0)
  incident.capacity = capacity(pool)
  incident.isPoolFull ||= sample.used >= incident.capacity
  incident.failures += sample.failures
  incident.timeouts += pool.counters.timeouts - before.pool.counters.timeouts
  incident.saturations += pool.counters.saturations - before.pool.counters.saturations
  incident.isOutage ||= sample.health?.status === 'disconnected'
}

/** Adds what the server has reported meanwhile. */
export function addReport(incident: Incident, { blockages, statements }: ServerReport): void {
  const [most] = blockages
  if (most && most.waiting.length >= (incident.blockage?.waiting.length ?? 0)) incident.blockage = most
  const oldest = statements.find(({ waitEvent }) => !waitEvent?.startsWith('Lock/'))
  if (!oldest) return
  const { slowest } = incident
  const count = statements.filter((one) => isAlike(one, oldest)).length
  if (slowest && isAlike(slowest.statement, oldest)) {
    // The oldest of them may be the last one that is left.
    slowest.count = Math.max(slowest.count, count)
    if (oldest.ageMs > slowest.statement.ageMs) slowest.statement = oldest
  } else if (!slowest || oldest.ageMs >= slowest.statement.ageMs)
    incident.slowest = { statement: oldest, count }
}

function isAlike(one: RunningStatement, other: RunningStatement): boolean {
  return one.text === other.text && one.state === other.state
}
