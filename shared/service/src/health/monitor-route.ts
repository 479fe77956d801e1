import type { DatabaseEvent, PoolStatus } from '@shared/database'
import type { Advice, Blockage, DatabaseHealth, Sample } from '@shared/monitor'
import { explainAdvice } from '@shared/monitor/explain'
import { Hono } from 'hono'
import { z } from 'zod'
import type { MonitoredContext } from '../context/context.ts'
import { validate } from '../problem/validation.ts'
import { type ClusterReport, readCluster } from './cluster-report.ts'
import { guardDetails, noStore } from './details-guard.ts'
import { type HealthStatus, readHealth, readReadiness } from './health-report.ts'

/** The body of `GET /health/monitor`. */
export interface MonitorReport {
  service: string
  /** Epoch ms of the service's clock, for the next `since`: no sample is newer. */
  at: number
  status: HealthStatus
  ready: boolean
  database: Pick<DatabaseHealth, 'status' | 'latencyMs' | 'code'>
  pool: PoolStatus
  /** null with one host. */
  cluster: ClusterReport | null
  /** One a second, oldest first. */
  samples: Sample[]
  /** Who keeps this service's statements waiting for locks now, the one with the most victims first. */
  blockages: Blockage[]
  /** Newest last. */
  events: readonly DatabaseEvent[]
  /** The worst first, each with its numbers and in words; empty when all is well. */
  advice: (Advice & { text: string })[]
}

/** The query of `GET /health/monitor`. */
export const monitorQuery = z.object({
  since: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a time in epoch ms')
    .transform(Number)
    .optional(),
})

/** `GET /health/monitor?since=<epoch ms>`: the last ten minutes, or what is newer. Uses the cached probe and no query of its own. */
export function monitorRoute(service: string, context: MonitoredContext): Hono {
  return new Hono().get(
    '/health/monitor',
    noStore,
    guardDetails(context.health),
    validate('query', monitorQuery),
    async (c) => c.json(await readMonitor(service, context, c.req.valid('query').since)),
  )
}

async function readMonitor(
  service: string,
  context: MonitoredContext,
  since?: number,
): Promise<MonitorReport> {
  const { database, monitor } = context
  const { status, database: probe } = await readHealth(service, context)
  const ready = (await readReadiness(context)) === 'ready'
  const samples = monitor.samples(since)
  return {
    service,
    at: Math.max(Date.now(), samples.at(-1)?.at ?? 0),
    status,
    ready,
    database: { status: probe.status, latencyMs: probe.latencyMs, code: probe.code },
    pool: database.status(),
    cluster: readCluster(context),
    samples,
    blockages: monitor.seen().blockages,
    events: database.events(),
    advice: monitor.advice().map((advice) => ({ ...advice, text: explainAdvice(advice) })),
  }
}
