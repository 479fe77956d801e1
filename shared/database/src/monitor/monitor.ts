import type { PoolStatus, PoolTimings } from '@shared/pool'
import type { DatabaseEvent } from '../event-log.ts'
import { advise } from './advice.ts'
import { type Period, summarise } from './advice-period.ts'
import type { Advice } from './advice-situation.ts'
import type { DatabaseHealth, HealthProbe } from './health.ts'
import { createMonitorClock } from './monitor-clock.ts'
import { type Reading, type Sample, type SampleRecord, sampleBetween } from './sample.ts'
import type { ServerReport } from './server-report.ts'

/** Watches a pool: a sample a second, ten minutes of them, and what they say should be done. */
export interface PoolMonitor {
  /** How many processes share the server with a pool like this one. */
  readonly replicas: number
  /** The samples newer than `since` (epoch ms), oldest first; all of them (600 at most) without. */
  samples(since?: number): Sample[]
  /** What the numbers say should be done, the worst first; empty when all is well. */
  advice(): Advice[]
  /** What the monitor last heard from the database, without asking it. */
  seen(): Seen
  /**
   * Takes a sample each second from now on. Each asks the health probe, whose answer is cached; a server report is asked
   * for every 30 s. The timer doesn't keep the process alive. Idempotent.
   */
  start(): void
  /** Ends what `start()` began; samples stay. Idempotent. */
  stop(): void
  /** Takes a sample now. */
  sample(): void
}

/** The last answers from the database; null before there was one. */
export interface Seen {
  health: DatabaseHealth | null
  server: ServerReport | null
}

/** What a monitor reads; a Database is one. */
export interface MonitorSource {
  status(): PoolStatus
  timings(): PoolTimings
  events(): readonly DatabaseEvent[]
  readonly health: Pick<HealthProbe, 'check' | 'details'>
}

export interface PoolMonitorOptions {
  /** Default 1. */
  replicas?: number
  /** Epoch ms that only grow. Default: the wall clock, never put back. */
  now?: () => number
}

const sampleEveryMs = 1_000
const mostSamples = 600
const reportEveryMs = 30_000
const minuteMs = 60_000

/** Makes the monitor; it does nothing until it is started or asked. */
export function createPoolMonitor(source: MonitorSource, options: PoolMonitorOptions = {}): PoolMonitor {
  const { replicas = 1, now = createMonitorClock() } = options
  const records: SampleRecord[] = []
  let timer: ReturnType<typeof setInterval> | null = null
  let health: DatabaseHealth | null = null
  let downSince: number | null = null
  let server: { report: ServerReport; at: number } | null = null
  let reportDueAt = Number.NEGATIVE_INFINITY
  let isAsking = false
  let last: Reading = read()

  function read(): Reading {
    return { at: now(), pool: source.status(), timings: source.timings(), health }
  }

  function sample(): void {
    const before = last
    // Two samples need a time between them for rates to mean something.
    if (now() > before.at) {
      last = read()
      records.push({ sample: sampleBetween(before, last), before, now: last })
      if (records.length > mostSamples) records.shift()
    }
    if (!isAsking) void ask()
  }

  async function ask(): Promise<void> {
    isAsking = true
    try {
      health = await source.health.check()
      if (health.status === 'connected') downSince = null
      else downSince ??= now()
      if (health.status !== 'connected' || now() < reportDueAt) return
      reportDueAt = now() + reportEveryMs
      const report = await source.health.details()
      if (report) server = { report, at: now() }
    } finally {
      isAsking = false
    }
  }

  function minute(): Period | null {
    const since = now() - minuteMs
    return summarise(records.filter(({ before }) => before.at >= since))
  }

  return {
    replicas,
    samples: (since = Number.NEGATIVE_INFINITY) =>
      records.map((record) => record.sample).filter(({ at }) => at > since),
    advice: () =>
      advise({
        now: now(),
        pool: source.status(),
        minute: minute(),
        kept: summarise(records),
        health,
        downSince,
        server,
        replicas,
        events: source.events(),
      }),
    seen: () => ({ health, server: server?.report ?? null }),
    sample,
    start() {
      if (timer) return
      last = read()
      timer = setInterval(sample, sampleEveryMs)
      timer.unref()
      void ask()
    },
    stop() {
      if (timer) clearInterval(timer)
      timer = null
    },
  }
}
