import { z } from 'zod'

declare const sample: z.ZodObject<
  {
    at: z.ZodNumber
    idle: z.ZodNumber
    used: z.ZodNumber
    overflow: z.ZodNumber
    connecting: z.ZodNumber
    waiting: z.ZodNumber
    max: z.ZodNullable<z.ZodNumber>
    checkouts: z.ZodNumber
    waitP99Ms: z.ZodNullable<z.ZodNumber>
    useP50Ms: z.ZodNullable<z.ZodNumber>
    useP99Ms: z.ZodNullable<z.ZodNumber>
    failures: z.ZodNumber
    health: z.ZodNullable<
      z.ZodObject<
        {
          status: z.ZodEnum<{
            connected: 'connected'
            disconnected: 'disconnected'
          }>
          latencyMs: z.ZodNullable<z.ZodNumber>
        },
        z.core.$strip
      >
    >
  },
  z.core.$strip
>
declare const pool: z.ZodObject<
  {
    poolSize: z.ZodNumber
    maxOverflow: z.ZodNumber
    total: z.ZodNumber
    idle: z.ZodNumber
    checkedOut: z.ZodNumber
    overflow: z.ZodNumber
    connecting: z.ZodNumber
    waiting: z.ZodNumber
    oldestLeaseMs: z.ZodNullable<z.ZodNumber>
    longestWaitMs: z.ZodNullable<z.ZodNumber>
  },
  z.core.$strip
>
declare const event: z.ZodObject<
  {
    type: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
    code: z.ZodNullable<z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>>
    at: z.ZodISODateTime
  },
  z.core.$strip
>
declare const advice: z.ZodObject<
  {
    level: z.ZodEnum<{
      critical: 'critical'
      info: 'info'
      warning: 'warning'
    }>
    code: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
    text: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
  },
  z.core.$strip
>
declare const report: z.ZodObject<
  {
    service: z.ZodString
    at: z.ZodNumber
    status: z.ZodEnum<{
      degraded: 'degraded'
      healthy: 'healthy'
      unhealthy: 'unhealthy'
    }>
    ready: z.ZodBoolean
    database: z.ZodObject<
      {
        status: z.ZodEnum<{
          connected: 'connected'
          disconnected: 'disconnected'
        }>
        latencyMs: z.ZodNullable<z.ZodNumber>
        code: z.ZodNullable<z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>>
      },
      z.core.$strip
    >
    pool: z.ZodObject<
      {
        poolSize: z.ZodNumber
        maxOverflow: z.ZodNumber
        total: z.ZodNumber
        idle: z.ZodNumber
        checkedOut: z.ZodNumber
        overflow: z.ZodNumber
        connecting: z.ZodNumber
        waiting: z.ZodNumber
        oldestLeaseMs: z.ZodNullable<z.ZodNumber>
        longestWaitMs: z.ZodNullable<z.ZodNumber>
      },
      z.core.$strip
    >
    samples: z.ZodArray<
      z.ZodObject<
        {
          at: z.ZodNumber
          idle: z.ZodNumber
          used: z.ZodNumber
          overflow: z.ZodNumber
          connecting: z.ZodNumber
          waiting: z.ZodNumber
          max: z.ZodNullable<z.ZodNumber>
          checkouts: z.ZodNumber
          waitP99Ms: z.ZodNullable<z.ZodNumber>
          useP50Ms: z.ZodNullable<z.ZodNumber>
          useP99Ms: z.ZodNullable<z.ZodNumber>
          failures: z.ZodNumber
          health: z.ZodNullable<
            z.ZodObject<
              {
                status: z.ZodEnum<{
                  connected: 'connected'
                  disconnected: 'disconnected'
                }>
                latencyMs: z.ZodNullable<z.ZodNumber>
              },
              z.core.$strip
            >
          >
        },
        z.core.$strip
      >
    >
    events: z.ZodArray<
      z.ZodObject<
        {
          type: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
          code: z.ZodNullable<z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>>
          at: z.ZodISODateTime
        },
        z.core.$strip
      >
    >
    advice: z.ZodArray<
      z.ZodObject<
        {
          level: z.ZodEnum<{
            critical: 'critical'
            info: 'info'
            warning: 'warning'
          }>
          code: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
          text: z.ZodPipe<z.ZodString, z.ZodTransform<string, string>>
        },
        z.core.$strip
      >
    >
  },
  z.core.$strip
>
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
export declare function parseMonitorReport(body: unknown): MonitorReport | null
