import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Database, DrizzleModel } from '@shared/database'
import type { MigrationCheck, Monitor } from '@shared/monitor'
import type { RequestIdVariables } from 'hono/request-id'
import type { Logger } from '../log/logger.ts'
import type { EventLoopMonitor } from './event-loop.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { RequestCounts } from './requests.ts'
import type { SlowRequests } from './slow-requests.ts'
import type { StatementCounts } from './statement-counts.ts'

/** A service's Hono app, which describes its routes as OpenAPI; `c.get('requestId')` is set on every request. */
export type ServiceApp = OpenAPIHono<{ Variables: RequestIdVariables }>

/** The part of a database that this package uses: everything but the Drizzle handle, which belongs to the routes. */
export type ServiceDatabase = Pick<
  Database<DrizzleModel>,
  | 'name'
  | 'pooler'
  | 'status'
  | 'timings'
  | 'observe'
  | 'events'
  | 'eventCounts'
  | 'record'
  | 'connect'
  | 'within'
  | 'writtenUntil'
  | 'hosts'
  | 'replicas'
  | 'readCounts'
  | 'ceiling'
  | 'maxLagMs'
  | 'close'
>

/** Who may read `/health/detailed`, `/health/monitor`, `/metrics`, `/openapi.json` and `/docs`. */
export interface HealthAccess {
  /** `always`: everyone. `token`: `Authorization: Bearer <token>`. `never`: the routes answer 404. */
  details: 'always' | 'token' | 'never'
  /** Required with `token`. */
  token?: string
}

/** What a service's `createApp` is given. Only `database` is needed: tests leave the rest at its defaults. */
export interface ServiceContext<TDatabase extends ServiceDatabase = ServiceDatabase> {
  database: TDatabase
  /** Watches the database. Default: a monitor of its own that is not started: it has health, and no samples. */
  monitor?: Monitor
  /** Counts requests; a monitor that is given too should count its failures by it. Default: counts of the app's own. */
  requests?: RequestCounts
  /** Counts statements, for metrics and the detailed report. Default: nobody does. */
  statements?: StatementCounts
  /** Keeps the slow and the failed requests, for the detailed report. Default: nobody does. */
  slowRequests?: SlowRequests
  /** Whether the database has the service's migrations. Default: that is not looked at. */
  migrations?: MigrationCheck
  /** Whether the schema may have edits that no migration has yet, as it has in development. Default false. */
  schemaMayBeEdited?: boolean
  /** Default: writes nothing. */
  logger?: Logger
  /** Default: ready from the start. */
  lifecycle?: Lifecycle
  /** Default: `{ details: 'never' }`. */
  health?: HealthAccess
  /** Default: the event loop's lag is not measured and reported as null. */
  eventLoop?: EventLoopMonitor
  /** Time in ms after which a request's database work is ended; should be above the pool's checkoutTimeoutMs. Default 45 000. */
  requestTimeoutMs?: number
  /** Names by which it may be called; a request to another is answered with 421. Default null: any. */
  names?: ReadonlySet<string> | null
  /** Origins whose pages may call this service, e.g. `https://shop.example`. Default: none. */
  corsOrigins?: readonly string[]
}

/** A context with its monitor and its counts, as the health routes and the metrics need it. */
export type MonitoredContext = ServiceContext & {
  readonly monitor: Monitor
  readonly requests: RequestCounts
}
