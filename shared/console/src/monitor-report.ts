import { showHidden } from '@shared/monitor/plain-text'
import { z } from 'zod'

const count = z.number()
const ms = z.number().nullable()
/** Whatever program answered: what a terminal or a page would obey must not get to one. */
const text = z.string().transform(showHidden)

const sample = z.object({
  at: z.number(),
  idle: count,
  used: count,
  overflow: count,
  connecting: count,
  waiting: count,
  behind: count.default(0),
  max: count.nullable(),
  checkouts: count,
  // Services from before it do not count them.
  statements: count.nullable().default(null),
  waitP99Ms: ms,
  useP50Ms: ms,
  useP99Ms: ms,
  failures: count,
  health: z.object({ status: z.enum(['connected', 'disconnected']), latencyMs: ms }).nullable(),
})

const pool = z.object({
  poolSize: count,
  maxOverflow: count,
  total: count,
  idle: count,
  checkedOut: count,
  overflow: count,
  connecting: count,
  waiting: count,
  behind: count.default(0),
  oldestLeaseMs: ms,
  longestWaitMs: ms,
})

const host = z.object({
  host: text,
  role: z.enum(['primary', 'read-only', 'standby', 'old-primary', 'unreachable', 'unknown']).catch('unknown'),
  timeline: count.nullable(),
  lagMs: ms,
  code: text.nullable(),
})

const event = z.object({
  type: text,
  code: text.nullable(),
  at: z.iso.datetime(),
  detail: text.nullable().default(null),
})

const blockage = z.object({
  blocker: z.object({
    pid: z.number(),
    role: text.nullable(),
    application: text.nullable(),
    state: text.nullable(),
    ageMs: ms,
    transactionMs: ms,
    statement: text.nullable(),
  }),
  lock: z.object({ kind: text, mode: text, relation: text.nullable() }).nullable(),
  waiting: z.array(
    z.object({
      pid: z.number(),
      role: text.nullable(),
      application: text.nullable(),
      depth: z.number(),
      blockedBy: z.array(z.number()),
      waitedMs: z.number(),
      statement: text.nullable(),
    }),
  ),
})

const advice = z.object({
  level: z.enum(['info', 'warning', 'critical']),
  code: text,
  text,
})

const report = z.object({
  service: z.string(),
  at: z.number(),
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  ready: z.boolean(),
  database: z.object({
    status: z.enum(['connected', 'disconnected']),
    latencyMs: ms,
    code: text.nullable(),
  }),
  pool,
  cluster: z
    .object({
      hosts: z.array(host),
      replicas: z.array(z.object({ host: text, pool: pool.pick({ total: true, checkedOut: true }) })),
    })
    .nullable()
    .default(null),
  samples: z.array(sample),
  blockages: z.array(blockage).default([]),
  events: z.array(event),
  advice: z.array(advice),
})

/** One second of a pool. Times are in ms, null where nothing was measured; `max` is null without a limit. */
export type Sample = z.infer<typeof sample>
/** What a service's pool is like now. */
export type Pool = z.infer<typeof pool>
/** The hosts of a database that has several, and the pools of those that reads may go to. */
export type Cluster = NonNullable<z.infer<typeof report>['cluster']>
/** One of them. */
export type HostReport = z.infer<typeof host>
/** Something that happened; `at` is ISO 8601. */
export type MonitorEvent = z.infer<typeof event>
/** A session that keeps others waiting for a lock, and those. */
export type Blockage = z.infer<typeof blockage>
/** What the service's monitor concludes from its measurements. */
export type Advice = z.infer<typeof advice>
/** The body of `GET /health/monitor`. */
export type MonitorReport = z.infer<typeof report>

/** Reads a service's answer, or returns null for what is none; what is not known is left out. */
export function parseMonitorReport(body: unknown): MonitorReport | null {
  return report.safeParse(body).data ?? null
}
