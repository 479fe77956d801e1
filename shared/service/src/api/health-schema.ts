import { z } from '@hono/zod-openapi'

const service = z.string()
const state = z.enum(['starting', 'ready', 'draining'])
const health = {
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  service,
  state,
  reasons: z.array(z.enum(['database-unreachable', 'pool-saturated'])),
  database: z.object({
    name: z.string(),
    status: z.enum(['connected', 'disconnected']),
    latencyMs: z.number().nullable(),
    code: z.string().nullable().meta({ description: 'SQLSTATE or the code of the driver.' }),
    checkedAt: z.iso.datetime(),
  }),
}

/** Body of `GET /livez`. */
export const livenessSchema = z.object({ status: z.literal('alive'), service })

/** Body of `GET /readyz`. */
export const readinessSchema = z.object({
  status: z.enum(['ready', 'starting', 'draining', 'database-unreachable']),
  service,
})

/** Body of `GET /health`. */
export const healthSchema = z.object(health).meta({ id: 'Health' })

/** The pool's numbers now, and its counters since the start. */
export const poolSchema = z
  .looseObject({
    name: z.string(),
    poolSize: z.int(),
    maxOverflow: z.int(),
    total: z.int(),
    idle: z.int(),
    checkedOut: z.int(),
    overflow: z.int(),
    connecting: z.int(),
    waiting: z.int(),
    oldestLeaseMs: z.number().nullable(),
    longestWaitMs: z.number().nullable(),
    counters: z.looseObject({ checkouts: z.int(), timeouts: z.int(), closes: z.record(z.string(), z.int()) }),
  })
  .meta({ id: 'Pool' })

/** Something that happened to the pool. */
export const eventSchema = z
  .looseObject({ type: z.string(), code: z.string().nullable(), at: z.iso.datetime() })
  .meta({ id: 'DatabaseEvent' })

/** Body of `GET /health/detailed`. What only the server knows is null while it cannot be reached. */
export const detailedHealthSchema = z
  .looseObject({
    ...health,
    pool: poolSchema,
    pooler: z
      .object({ preparedStatements: z.boolean() })
      .nullable()
      .meta({
        description:
          'A pooler such as PgBouncer between the service and the server, and whether statements are sent prepared ' +
          'through it. null: none.',
      }),
    server: z
      .looseObject({
        version: z.string(),
        uptimeMs: z.number(),
        inRecovery: z.boolean(),
        longestTransactionMs: z.number().nullable(),
      })
      .nullable(),
    limits: z
      .looseObject({
        maxConnections: z.int(),
        usedConnections: z.int(),
        roleConnections: z.int(),
        roleConnectionLimit: z.int().nullable(),
        wantedConnections: z.int().nullable(),
        fits: z.boolean(),
      })
      .nullable(),
    statements: z
      .array(
        z.looseObject({
          pid: z.int(),
          state: z.string(),
          ageMs: z.number(),
          waitEvent: z.string().nullable(),
          text: z.string().meta({ description: 'With `?` for every string and number.' }),
        }),
      )
      .nullable(),
    isolation: z
      .looseObject({ role: z.string(), confined: z.boolean(), findings: z.array(z.string()) })
      .nullable(),
    process: z.looseObject({ uptimeMs: z.int(), runtime: z.string() }),
    events: z.array(eventSchema),
  })
  .meta({ id: 'DetailedHealth' })

const milliseconds = z.number().nullable()

/** Body of `GET /health/monitor`. */
export const monitorSchema = z
  .object({
    service,
    at: z.int().meta({ description: 'Epoch ms of the service; the next `since`.' }),
    status: health.status,
    ready: z.boolean(),
    database: health.database.pick({ status: true, latencyMs: true, code: true }),
    pool: poolSchema,
    samples: z.array(
      z
        .looseObject({
          at: z.int(),
          idle: z.int(),
          used: z.int(),
          overflow: z.int(),
          connecting: z.int(),
          waiting: z.int(),
          max: z.int().nullable().meta({ description: 'null: overflow has no limit.' }),
          checkouts: z.int(),
          waitP99Ms: milliseconds,
          useP50Ms: milliseconds,
          useP99Ms: milliseconds,
          failures: z.int(),
          health: health.database.pick({ status: true, latencyMs: true }).nullable(),
        })
        .meta({ id: 'Sample', description: 'One second of the pool.' }),
    ),
    events: z.array(eventSchema),
    advice: z.array(
      z
        .object({
          code: z.string(),
          level: z.enum(['info', 'warning', 'critical']),
          text: z.string().meta({ description: 'The numbers and what to do, in a sentence or two.' }),
          measured: z
            .record(z.string(), z.unknown())
            .meta({ description: 'The numbers behind it; which they are depends on the code.' }),
          options: z.array(
            z.object({
              option: z.enum(['poolSize', 'maxOverflow']),
              change: z.enum(['raise', 'lower']),
              value: z.int().nullable().meta({ description: 'null: the numbers give the direction alone.' }),
            }),
          ),
        })
        .meta({ id: 'Advice', description: 'What the measured numbers advise.' }),
    ),
  })
  .meta({ id: 'Monitor' })
