import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Database, DrizzleModel } from '@shared/database'
import type { Monitor } from '@shared/monitor'
import type { RequestIdVariables } from 'hono/request-id'
import type { Logger } from '../log/logger.ts'
import type { EventLoopMonitor } from './event-loop.ts'
import type { Lifecycle } from './lifecycle.ts'

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
  /** Origins whose pages may call this service, e.g. `https://shop.example`. Default: none. */
  corsOrigins?: readonly string[]
}

/** A context with its monitor, as the health routes and the metrics need it. */
export type MonitoredContext = ServiceContext & { readonly monitor: Monitor }
