import { ConfigurationError, type Database, type DrizzleModel } from '@shared/database'
import type { Advice } from './advice/advice.ts'
import { advise } from './advice/advise.ts'
import { createMonitorClock } from './samples/monitor-clock.ts'
import { type Period, summarise } from './samples/period.ts'
import { type Reading, type Sample, type SampleRecord, sampleBetween } from './samples/sample.ts'
import { createHealthProbe, type DatabaseHealth, type HealthProbe } from './server/health-probe.ts'
import type { ServerReport } from './server/server-report.ts'

/** Watches a database: a health probe, a sample of the pool a second, ten minutes of them, and what they advise. */
export interface Monitor {
  /** How many processes share the server with a pool like this one. */
  readonly replicas: number
  /** Whether the database answers, asked on a connection outside the pool. */
  readonly health: HealthProbe
  /** The samples newer than `since` (epoch ms), oldest first; all of them (600 at most) without. */
  samples(since?: number): Sample[]
  /** What the numbers advise, the worst first; empty when all is well. */
  advice(): Advice[]
  /** The last answers of the database, without a question to it. */
  seen(): Seen
  /**
   * Takes a sample each second from now on. Each asks the health probe, whose answer is cached; a server report is asked
   * for every 30 s. The timer doesn't keep the process alive. Idempotent.
   */
  start(): void
  /** Ends what `start()` began; samples stay. To be called before the database is closed. Idempotent. */
  stop(): void
  /** Takes a sample now. */
  sample(): void
}

/** The last answers from the database; null before there was one. */
export interface Seen {
  health: DatabaseHealth | null
  server: ServerReport | null
}

/** What a monitor needs of a database. */
export type MonitoredDatabase = Pick<
  Database<DrizzleModel>,
  'status' | 'timings' | 'events' | 'observe' | 'record'
>

export interface MonitorOptions {
  /** How many processes open a pool like this one on the same server, for the budget. 1 or more. Default 1. */
  replicas?: number
  /** How long an answer of the health probe is good for. Default 1 000. */
  cacheMs?: number
  /** Epoch ms that only grow. Default: the wall clock, never put back. */
  now?: () => number
}

const sampleEveryMs = 1_000
const mostSamples = 600
const reportEveryMs = 30_000
const minuteMs = 60_000

/**
 * Makes the monitor of a database; it does nothing until it is started or asked.
 *
 * @throws {ConfigurationError} for `replicas` that are no whole number from 1.
 */
export function createMonitor(database: MonitoredDatabase, options: MonitorOptions = {}): Monitor {
  return createMonitorWith(createHealthProbe(database, options), database, options)
}

/** Makes a monitor with a health probe that exists. */
export function createMonitorWith(
  probe: HealthProbe,
  database: Pick<MonitoredDatabase, 'status' | 'timings' | 'events'>,
  options: Pick<MonitorOptions, 'replicas' | 'now'> = {},
): Monitor {
  const { replicas = 1, now = createMonitorClock() } = options
  if (!Number.isInteger(replicas) || replicas < 1)
    throw new ConfigurationError(
      `Option replicas must be a whole number from 1, got ${Bun.inspect(replicas)}.`,
    )
  const records: SampleRecord[] = []
  let timer: ReturnType<typeof setInterval> | null = null
  let health: DatabaseHealth | null = null
  let downSince: number | null = null
  let server: { report: ServerReport; at: number } | null = null
  let reportDueAt = Number.NEGATIVE_INFINITY
  let isAsking = false
  let last: Reading = read()

  function read(): Reading {
    return { at: now(), pool: database.status(), timings: database.timings(), health }
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
      health = await probe.check()
      if (health.status === 'connected') downSince = null
      else downSince ??= now()
      if (health.status !== 'connected' || now() < reportDueAt) return
      reportDueAt = now() + reportEveryMs
      const report = await probe.details()
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
    health: probe,
    samples: (since = Number.NEGATIVE_INFINITY) =>
      records.map((record) => record.sample).filter(({ at }) => at > since),
    advice: () =>
      advise({
        now: now(),
        pool: database.status(),
        minute: minute(),
        kept: summarise(records),
        health,
        downSince,
        server,
        replicas,
        events: database.events(),
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
