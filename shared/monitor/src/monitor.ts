import { inspect } from 'node:util'
import { ConfigurationError, type Database, type DrizzleModel, quantileMs } from '@shared/database'
import type { Advice } from './advice/advice.ts'
import { advise } from './advice/advise.ts'
import { isOutdated, type TimedReport } from './incidents/incident.ts'
import { createIncidentLog } from './incidents/incident-log.ts'
import { busiestStretch } from './samples/busiest.ts'
import { createMonitorClock } from './samples/monitor-clock.ts'
import { summarise } from './samples/period.ts'
import {
  capacity,
  failedCheckouts,
  type Reading,
  type Sample,
  type SampleRecord,
  sampleBetween,
} from './samples/sample.ts'
import type { Blockage } from './server/blockages.ts'
import { createHealthProbe, type DatabaseHealth, type HealthProbe } from './server/health-probe.ts'
import { type HostReport, reportHosts } from './server/host-report.ts'
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
   * for every 30 s, and while callers wait or something takes long every second at first, then every 5 s. The timer doesn't keep the process alive. Idempotent.
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
  /** Who keeps this role's statements waiting for locks, as seen within the last seconds. */
  blockages: Blockage[]
  /** Empty with one host. */
  hosts: HostReport[]
}

/** What a monitor needs of a database. */
export type MonitoredDatabase = Pick<
  Database<DrizzleModel>,
  | 'status'
  | 'timings'
  | 'events'
  | 'observe'
  | 'record'
  | 'hosts'
  | 'replicas'
  | 'readCounts'
  | 'maxLagMs'
  | 'ceiling'
>

export interface MonitorOptions {
  /** How many processes open a pool like this one on the same server, for the budget. 1 or more. Default 1. */
  replicas?: number
  /** How long an answer of the health probe is good for. Default 1 000. */
  cacheMs?: number
  /** Counts the callers that have failed since the start, such as requests answered with 5xx. Default: the pool's failed checkouts. */
  failures?: () => number
  /** Counts the statements that were sent and have ended since the start. Default: nobody does, and samples have none. */
  statements?: () => number
  /** Epoch ms that only grow. Default: the wall clock, never put back. */
  now?: () => number
}

const sampleEveryMs = 1_000
const mostSamples = 600
const reportEveryMs = 30_000
// While something is wrong: at once, then less and less often.
const urgentEveryMs = 1_000
const urgentAtMostEveryMs = 5_000
const slowMs = 1_000
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
  database: Omit<MonitoredDatabase, 'observe'>,
  options: Pick<MonitorOptions, 'replicas' | 'failures' | 'statements' | 'now'> = {},
): Monitor {
  const { replicas = 1, now = createMonitorClock() } = options
  const { failures = () => failedCheckouts(database.status()), statements = () => null } = options
  if (!Number.isInteger(replicas) || replicas < 1)
    throw new ConfigurationError(`Option replicas must be a whole number from 1, got ${inspect(replicas)}.`)
  const records: SampleRecord[] = []
  let timer: ReturnType<typeof setInterval> | null = null
  let health: DatabaseHealth | null = null
  let downSince: number | null = null
  let splitSince: number | null = null
  let server: TimedReport | null = null
  let reportedAt = Number.NEGATIVE_INFINITY
  let urgentSince: number | null = null
  const incidents = createIncidentLog((type, error, detail) => database.record(type, error, detail))
  let isAsking = false
  let last: Reading = read()

  function read(): Reading {
    return {
      at: now(),
      pool: database.status(),
      timings: database.timings(),
      health,
      hosts: reportHosts(database.hosts()),
      reads: database.readCounts(),
      failures: failures(),
      statements: statements(),
    }
  }

  /** Whether somebody waits, something takes long, or that was so a moment ago: the server knows why. */
  function isUrgent(): boolean {
    const { pool, timings } = last
    return (
      pool.waiting > 0 ||
      (pool.longestBehindMs ?? 0) > slowMs / 2 ||
      pool.checkedOut >= capacity(pool) ||
      (quantileMs(timings.holdingMs, 1) ?? 0) > slowMs ||
      (records.at(-1)?.sample.connectionFailures ?? 0) > 0
    )
  }

  function isReportDue(): boolean {
    const at = now()
    if (!isUrgent()) {
      // Until it is over for good: what was seen then is not so any more.
      const wasUrgent = urgentSince !== null || incidents.last?.endedAt === null
      urgentSince = null
      return wasUrgent || at >= reportedAt + reportEveryMs
    }
    // Whom it saw wait is served, and others wait: perhaps for something else.
    urgentSince = isOutdated(last, server) ? at : (urgentSince ?? at)
    const pauseMs = Math.min(urgentAtMostEveryMs, Math.max(urgentEveryMs, (at - urgentSince) / 4))
    // A timer is a little early at times.
    return at >= reportedAt + pauseMs - urgentEveryMs / 10
  }

  function sample(): void {
    const before = last
    // Two samples need a time between them for rates to mean something.
    if (now() > before.at) {
      last = read()
      if (!last.hosts.some(({ role }) => role === 'old-primary')) splitSince = null
      else splitSince ??= last.at
      const record = { sample: sampleBetween(before, last), before, now: last }
      records.push(record)
      incidents.sampled(record)
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
      if (health.status !== 'connected' || !isReportDue()) return
      reportedAt = now()
      const report = await probe.details()
      if (!report) return
      server = { report, at: now() }
      incidents.reported(server)
    } finally {
      isAsking = false
    }
  }

  function minute(): SampleRecord[] {
    const since = now() - minuteMs
    return records.filter(({ before }) => before.at >= since)
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
        minute: summarise(minute()),
        busiest: busiestStretch(minute()),
        incident: incidents.judged(now()),
        kept: summarise(records),
        health,
        downSince,
        server,
        replicas,
        ceiling: database.ceiling(),
        hosts: reportHosts(database.hosts()),
        splitSince,
        maxLagMs: database.maxLagMs,
        replicaCount: database.replicas().length,
        events: database.events(),
      }),
    seen: () => ({
      health,
      server: server?.report ?? null,
      blockages: server && now() - server.at < 2 * urgentAtMostEveryMs ? server.report.blockages : [],
      hosts: reportHosts(database.hosts()),
    }),
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
