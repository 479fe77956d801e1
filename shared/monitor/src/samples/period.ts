import type { ReadCounters } from '@shared/database'
import { boundedQuantile, capacity, type SampleRecord } from './sample.ts'

/** The samples of a stretch of time, summed up. Rates are per second, times in ms. */
export interface Period {
  samples: number
  seconds: number
  /** Mean connections in use over the most there can be, 0 to 1; 0 where there is no limit. */
  utilisation: number
  meanUsed: number
  peakUsed: number
  meanOverflow: number
  /** Share of the samples that saw more connections than poolSize, 0 to 1. */
  overflowShare: number
  meanWaiting: number
  peakWaiting: number
  peakBehind: number
  checkoutsPerSecond: number
  /** Mean time of the leases that ended; null when none did. */
  meanUseMs: number | null
  /** Little's law: arrival rate × time of use = leases held at a time; null when no lease ended. */
  meanLeases: number | null
  waits: number
  waitP99Ms: number | null
  timeouts: number
  saturations: number
  /** Callers that failed, as samples count them. */
  failures: number
  lost: number
  connects: number
  connectFailures: number
  /** Of those lost and failed the ones that no outage explains: the database answered before and after. */
  steadyLost: number
  steadyConnectFailures: number
  createP50Ms: number | null
  probesFailed: number
  /** Reads that standbys may take, by where they ran. */
  reads: ReadCounters
}

/** Sums samples up; null without any. */
export function summarise(records: readonly SampleRecord[]): Period | null {
  const [first, last] = [records[0], records.at(-1)]
  if (!first || !last) return null
  const { before } = first
  const { now } = last
  const [from, to] = [before.pool.counters, now.pool.counters]
  const mean = (value: (record: SampleRecord) => number) =>
    records.reduce((sum, record) => sum + value(record), 0) / records.length
  const peak = (value: (record: SampleRecord) => number) => Math.max(...records.map(value))
  const seconds = (now.at - before.at) / 1_000
  const ended = now.timings.useMs.count - before.timings.useMs.count
  const usedMs = now.timings.useMs.sumMs - before.timings.useMs.sumMs
  const meanUseMs = ended > 0 ? usedMs / ended : null
  const checkoutsPerSecond = (to.checkouts - from.checkouts) / seconds
  const steady = records.filter((_, at) => !isNearOutage(records, at))
  const latest = records.slice(-unjudged)
  const meanUsed = mean(({ sample }) => sample.used)
  return {
    samples: records.length,
    seconds,
    utilisation: meanUsed / capacity(now.pool),
    meanUsed,
    peakUsed: peak(({ sample }) => sample.used),
    meanOverflow: mean(({ sample }) => sample.overflow),
    overflowShare: mean(({ sample }) => (sample.overflow > 0 ? 1 : 0)),
    meanWaiting: mean(({ sample }) => sample.waiting),
    peakWaiting: peak(({ sample }) => sample.waiting),
    peakBehind: peak(({ sample }) => sample.behind),
    checkoutsPerSecond,
    meanUseMs,
    meanLeases: meanUseMs === null ? null : (checkoutsPerSecond * meanUseMs) / 1_000,
    waits: to.waits - from.waits,
    waitP99Ms: boundedQuantile('waitMs', 0.99, before, now, now.timings.waitingMs),
    timeouts: to.timeouts - from.timeouts,
    saturations: to.saturations - from.saturations,
    failures: now.failures - before.failures,
    lost: to.closes.lost - from.closes.lost,
    connects: to.connects - from.connects,
    connectFailures: to.connectFailures - from.connectFailures,
    steadyLost: steady
      .filter((record) => !latest.includes(record))
      .reduce(
        (sum, one) => sum + one.now.pool.counters.closes.lost - one.before.pool.counters.closes.lost,
        0,
      ),
    steadyConnectFailures: steady.reduce(
      (sum, one) => sum + one.now.pool.counters.connectFailures - one.before.pool.counters.connectFailures,
      0,
    ),
    createP50Ms: boundedQuantile('createMs', 0.5, before, now),
    probesFailed: records.filter(({ sample }) => sample.health?.status === 'disconnected').length,
    reads: {
      standby: now.reads.standby - before.reads.standby,
      primary: now.reads.primary - before.reads.primary,
      behind: now.reads.behind - before.reads.behind,
      failed: now.reads.failed - before.reads.failed,
    },
  }
}

// Whether the database is going down is known when the next probe has answered or failed.
const unjudged = 2
// A connection is lost before a probe fails, and one of its own connects fails when the probe succeeds again.
const nearOutage = 5

function isNearOutage(records: readonly SampleRecord[], at: number): boolean {
  const near = records.slice(Math.max(0, at - nearOutage), at + nearOutage + 1)
  return near.some(({ sample }) => sample.health?.status === 'disconnected')
}
