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
  checkoutsPerSecond: number
  /** Mean time of the leases that ended; null when none did. */
  meanUseMs: number | null
  /** Little's law: arrival rate × time of use = leases held at a time; null when no lease ended. */
  meanLeases: number | null
  waits: number
  waitP99Ms: number | null
  timeouts: number
  saturations: number
  lost: number
  connects: number
  connectFailures: number
  createP50Ms: number | null
  probesFailed: number
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
    checkoutsPerSecond,
    meanUseMs,
    meanLeases: meanUseMs === null ? null : (checkoutsPerSecond * meanUseMs) / 1_000,
    waits: to.waits - from.waits,
    waitP99Ms: boundedQuantile('waitMs', 0.99, before, now),
    timeouts: to.timeouts - from.timeouts,
    saturations: to.saturations - from.saturations,
    lost: to.closes.lost - from.closes.lost,
    connects: to.connects - from.connects,
    connectFailures: to.connectFailures - from.connectFailures,
    createP50Ms: boundedQuantile('createMs', 0.5, before, now),
    probesFailed: records.filter(({ sample }) => sample.health?.status === 'disconnected').length,
  }
}
