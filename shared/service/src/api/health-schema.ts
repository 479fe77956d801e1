import { z } from '@hono/zod-openapi'

const service = z.string()
const state = z.enum(['starting', 'ready', 'draining'])
const health = {
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  service,
  state,
  reasons: z.array(z.enum(['database-unreachable', 'database-behind', 'pool-saturated'])),
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
  status: z.enum(['ready', 'starting', 'draining', 'database-unreachable', 'database-behind']),
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
    behind: z.int().meta({ description: 'Statements that wait behind another one on its connection.' }),
    longestBehindMs: z.number().nullable(),
    counters: z.looseObject({ checkouts: z.int(), timeouts: z.int(), closes: z.record(z.string(), z.int()) }),
  })
  .meta({ id: 'Pool' })

/** The hosts of the database, where it has several. */
const clusterSchema = z
  .object({
    hosts: z.array(
      z.object({
        host: z.string(),
        role: z.enum(['primary', 'read-only', 'standby', 'old-primary', 'unreachable', 'unknown']).meta({
          description:
            '`read-only`: a primary that takes no writes now. `old-primary`: takes writes though another was promoted after ' +
            'it; not used. `unknown`: not asked yet.',
        }),
        timeline: z.int().nullable(),
        lagMs: z.int().nullable().meta({ description: 'How far a standby is behind the primary.' }),
        code: z.string().nullable().meta({ description: 'Why it cannot be reached.' }),
      }),
    ),
    failovers: z.int().meta({ description: 'How often the primary has changed since the start.' }),
    replicas: z
      .array(z.object({ host: z.string(), pool: poolSchema }))
      .meta({ description: 'The pool of each host that reads may go to.' }),
    reads: z.object({ standby: z.int(), primary: z.int(), behind: z.int(), failed: z.int() }).meta({
      description:
        'Where reads that standbys may take have run: on a standby; on the primary, as none was near enough; there, as it ' +
        'was behind what had been written; there, as it had failed.',
    }),
  })
  .nullable()
  .meta({ description: 'null: one host.' })

/** Who keeps statements waiting for a lock, and those. */
const blockageSchema = z
  .looseObject({
    blocker: z.looseObject({
      pid: z.int().meta({ description: '0: a prepared transaction.' }),
      role: z.string().nullable(),
      application: z.string().nullable(),
      state: z.string().nullable(),
      ageMs: z.number().nullable(),
      transactionMs: z.number().nullable(),
      statement: z
        .string()
        .nullable()
        .meta({ description: 'With `?` for every constant; null where the role may not see it.' }),
    }),
    lock: z.object({ kind: z.string(), mode: z.string(), relation: z.string().nullable() }).nullable(),
    waiting: z.array(
      z.looseObject({
        pid: z.int(),
        depth: z.int().meta({ description: '1 waits for the blocker, 2 for one that waits for it.' }),
        blockedBy: z.array(z.int()),
        waitedMs: z.number(),
        statement: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Blockage', description: 'A session that keeps others waiting for a lock.' })

const spanSchema = z
  .object({
    kind: z.enum(['wait', 'connect', 'transaction', 'statement']).meta({
      description:
        '`wait`: for a connection. `connect`: one is opened. `transaction`: from its connection to its end. `statement`: its run.',
    }),
    startMs: z.number().meta({ description: 'Since the request began.' }),
    durationMs: z.number(),
    statement: z.string().nullable().meta({ description: 'With `?` for every constant.' }),
    rows: z.int().nullable().meta({ description: 'Returned or changed.' }),
    outcome: z.enum(['committed', 'rolled-back', 'unknown']).nullable(),
    code: z
      .string()
      .nullable()
      .meta({ description: 'What it failed with: SQLSTATE, or a code of driver or layer.' }),
  })
  .meta({ id: 'RequestSpan', description: "A part of a request's time that its database work took." })

/** A request that was slow or failed. */
const slowRequestSchema = z
  .object({
    at: z.iso.datetime().meta({ description: 'When it began.' }),
    method: z.string().meta({ description: '`_OTHER` for one that HTTP does not know.' }),
    route: z.string().nullable().meta({ description: 'The pattern of its route; null where none matched.' }),
    requestId: z.string().nullable(),
    traceId: z.string().nullable().meta({ description: 'null: it was part of no trace.' }),
    status: z.int(),
    durationMs: z.number(),
    spans: z.array(spanSchema).meta({ description: 'In order of time.' }),
    omitted: z.int().meta({
      description: 'Statements, transactions and connects that are left out beyond the 40 longest.',
    }),
  })
  .meta({ id: 'SlowRequest', description: 'A request that was slow or failed, and what its time went into.' })

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
    ceiling: z
      .object({
        limit: z.int(),
        used: z.int().nullable(),
        processes: z.int().nullable(),
        allowance: z.int(),
        isReached: z.boolean(),
        isOn: z.boolean(),
      })
      .nullable()
      .meta({
        description:
          'The connections that all processes of the role share, and how many of them the pool of this one may have. ' +
          'null: each process opens what its own pool allows.',
      }),
    cluster: clusterSchema,
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
    blockages: z.array(blockageSchema).nullable(),
    queries: z
      .array(z.looseObject({ fingerprint: z.string(), summary: z.string(), statement: z.string() }))
      .nullable()
      .meta({ description: 'The kinds of statements that took the most time since the start, 20 at most.' }),
    slowRequests: z
      .object({
        fromMs: z.number().meta({ description: 'From when on a request is slow.' }),
        list: z.array(slowRequestSchema).meta({ description: 'Newest first, 30 at most.' }),
      })
      .nullable()
      .meta({
        description:
          'The last requests that were slow or answered with 5xx, and what their time went into. null: none are kept.',
      }),
    requests: z.object({ inFlight: z.int(), failed: z.int() }),
    migrations: z
      .object({
        state: z.enum(['current', 'behind', 'unknown']),
        pending: z.array(z.string()).meta({ description: 'Migrations that the database does not have.' }),
        total: z.int(),
        code: z
          .string()
          .nullable()
          .meta({ description: 'Why it is unknown; 42501: the role may not read it.' }),
      })
      .nullable()
      .meta({ description: 'Whether the database has the migrations of this version of the service.' }),
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
    cluster: clusterSchema,
    samples: z.array(
      z
        .looseObject({
          at: z.int(),
          idle: z.int(),
          used: z.int(),
          overflow: z.int(),
          connecting: z.int(),
          waiting: z.int(),
          behind: z.int(),
          max: z.int().nullable().meta({ description: 'null: overflow has no limit.' }),
          checkouts: z.int(),
          statements: z
            .int()
            .nullable()
            .meta({ description: 'Statements that were sent and ended; null: nobody counts them.' }),
          waitP99Ms: milliseconds,
          useP50Ms: milliseconds,
          useP99Ms: milliseconds,
          failures: z.int().meta({ description: 'Requests answered with 5xx.' }),
          connectionFailures: z.int(),
          health: health.database.pick({ status: true, latencyMs: true }).nullable(),
          lagMs: milliseconds.meta({
            description: 'Of the standby that is furthest behind; null without one.',
          }),
        })
        .meta({ id: 'Sample', description: 'One second of the pool.' }),
    ),
    blockages: z.array(blockageSchema),
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
