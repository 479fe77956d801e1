import { z } from 'zod'

const count = z.number()
const ms = z.number().nullable()
/** Whoever answered: what a terminal would take for a command must not get to one. */
const text = z.string().transform((value) => value.replace(/\p{Cc}+/gu, ' '))

const sample = z.object({
  at: z.number(),
  idle: count,
  used: count,
  overflow: count,
  connecting: count,
  waiting: count,
  max: count.nullable(),
  checkouts: count,
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
  oldestLeaseMs: ms,
  longestWaitMs: ms,
})

const event = z.object({ type: text, code: text.nullable(), at: z.iso.datetime() })

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
  samples: z.array(sample),
  events: z.array(event),
  advice: z.array(advice),
})

/** One second of a pool. Times are in ms, null where nothing was measured; `max` is null without a limit. */
export type Sample = z.infer<typeof sample>
/** What a service's pool is like now. */
export type Pool = z.infer<typeof pool>
/** Something that happened; `at` is ISO 8601. */
export type MonitorEvent = z.infer<typeof event>
/** What the service's monitor concludes from its measurements. */
export type Advice = z.infer<typeof advice>
/** The body of `GET /health/monitor`. */
export type MonitorReport = z.infer<typeof report>

/** Reads a service's answer, or returns null for what is none; what is not known is left out. */
export function parseMonitorReport(body: unknown): MonitorReport | null {
  return report.safeParse(body).data ?? null
}
