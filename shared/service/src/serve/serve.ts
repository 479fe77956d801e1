import type { DatabaseEvent } from '@shared/database'

import { findDatabaseError, type MigrationJournal } from '@shared/database'
import { createMigrationCheck, createMonitor } from '@shared/monitor'
import { showHidden } from '@shared/monitor/plain-text'
import { instrumentDatabases } from '@shared/telemetry'

import type { HealthAccess, ServiceContext, ServiceDatabase } from '../context/context.ts'
import { watchEventLoop } from '../context/event-loop.ts'
import { createLifecycle } from '../context/lifecycle.ts'
import { createRequestCounts } from '../context/requests.ts'
import { createSlowRequests, type SlowRequests } from '../context/slow-requests.ts'
import { countStatements } from '../context/statement-counts.ts'
import { idleSeconds } from '../http/body-time.ts'
import { ownNames } from '../http/own-names.ts'
import type { RequestServer } from '../http/request-server.ts'
import { databaseLog } from '../log/database-log.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'
import { createLogger } from '../log/logger.ts'
import { logStatements } from '../log/statement-log.ts'
import { startTelemetry, type TelemetryEnv } from '../trace/telemetry.ts'
import { awaitDatabase } from './await-database.ts'
import { awaitMigrations } from './await-migrations.ts'
import { listen } from './listen.ts'
import { beginRun } from './reload.ts'
import { misconfigured, StartFailure } from './start-failure.ts'
import { type DeadlineEnv, deadlineWarnings, warnAboutServer } from './start-warnings.ts'
import { stopOnSignal } from './stop-on-signal.ts'

/** The variables `serve` reads; `ServiceEnv` of @shared/env has them. Times are in seconds. */
export interface ServeEnv extends DeadlineEnv, TelemetryEnv {
  readonly NODE_ENV: 'development' | 'test' | 'production'
  readonly HOST: string
  readonly PORT: number
  readonly LOG_LEVEL: string
  /** Default: none. */
  readonly CORS_ORIGINS?: readonly string[]
  readonly SHUTDOWN_TIMEOUT: number
  /** How long requests are still accepted after a stop signal. Default 1 in production, else 0. */
  readonly SHUTDOWN_DELAY?: number
  readonly HEALTH_DETAILS: HealthAccess['details']
  readonly HEALTH_TOKEN?: { reveal(): string }
  /** Processes of this service that share the server. Default 1. */
  readonly DATABASE_REPLICAS?: number
  /** From when on a request, as a statement, is slow; 0: none is. Default 0. */
  readonly DATABASE_SLOW_QUERY?: number
}

/** What a service hands to `serve`. */
export interface ServeOptions<TDatabase extends ServiceDatabase> {
  service: string
  env: ServeEnv
  /** Creates the database's pool; must not connect. */
  openDatabase: (onEvent: (event: DatabaseEvent) => void) => TDatabase
  /** The migrations that this version needs: it is not ready before the database has them. Default: that is not looked at. */
  migrations?: MigrationJournal
  createApp: (context: ServiceContext<TDatabase>) => {
    fetch: (request: Request, server: RequestServer) => Response | Promise<Response>
  }
}

/**
 * Runs a service until a signal stops it, and ends the process then.
 *
 * Listens at once and answers 503 on `/readyz` until the database has answered and has the migrations. Exit codes: 0 stopped in order; 1 the
 * port is taken, the database refuses this role permanently, something was thrown outside a request, or requests had to be
 * cut off; 78 the configuration is wrong; 130 and 143 a second SIGINT or SIGTERM.
 *
 * Under `bun --hot` a later call takes the place of this one, on the same port. What requests still use of this one goes on.
 */
export async function serve<TDatabase extends ServiceDatabase>(
  options: ServeOptions<TDatabase>,
): Promise<void> {
  const { service, env } = options
  const logger = createLogger({
    service,
    level: env.LOG_LEVEL,
    format: env.NODE_ENV === 'development' ? 'pretty' : 'json',
    withValues: env.NODE_ENV === 'development',
  })
  try {
    await run(options, logger)
  } catch (error) {
    const reason = error instanceof StartFailure ? error.message : JSON.stringify(describeError(error))
    // Not a log line: it must be read whatever LOG_LEVEL says.
    process.stderr.write(`${service}: cannot start: ${showHidden(reason)}\n`)
    process.exit(error instanceof StartFailure ? error.exitCode : 1)
  }
}

async function run<TDatabase extends ServiceDatabase>(
  options: ServeOptions<TDatabase>,
  logger: Logger,
): Promise<void> {
  const { service, env, createApp } = options
  const replaced = beginRun()
  const lifecycle = createLifecycle()
  const eventLoop = watchEventLoop()
  for (const warning of deadlineWarnings(env)) logger.warn(warning)
  const telemetry = await startTelemetry(service, env, logger)
  const database = open(() => options.openDatabase(databaseLog(logger)))
  const stopMeasuring = instrumentDatabases({ databases: [database] })
  const stopLogging = logStatements(logger)
  const requests = createRequestCounts()
  const statements = env.HEALTH_DETAILS === 'never' ? undefined : countStatements(service)
  const slowRequests = keepSlowRequests(env)
  const monitor = createMonitor(database, {
    replicas: env.DATABASE_REPLICAS,
    failures: () => requests.failed,
    statements: statements && (() => statements.sent),
  })
  const migrations = options.migrations && createMigrationCheck(database, options.migrations)
  const health = { details: env.HEALTH_DETAILS, token: env.HEALTH_TOKEN?.reveal() }
  const requestTimeoutMs = env.REQUEST_TIMEOUT * 1000
  const corsOrigins = env.CORS_ORIGINS ?? []
  const app = createApp({
    database,
    monitor,
    requests,
    statements,
    slowRequests,
    migrations,
    schemaMayBeEdited: env.NODE_ENV === 'development',
    logger,
    lifecycle,
    health,
    eventLoop,
    requestTimeoutMs,
    corsOrigins,
    names: ownNames(env),
  })
  const server = await listen({
    // The server tells where a request comes from.
    fetch: (request, self) => app.fetch(request, self),
    host: env.HOST,
    port: env.PORT,
    idleSeconds: idleSeconds(requestTimeoutMs),
    logger,
  })
  monitor.start()
  const parts = { server, database, monitor, telemetry, lifecycle, logger, ...shutdownTimes(env) }
  const stopping = stopOnSignal({ ...parts, replaced })
  replaced.addEventListener('abort', () => {
    monitor.stop()
    eventLoop.stop()
    stopMeasuring()
    stopLogging()
    statements?.stop()
    slowRequests?.stop()
  })
  // Once this is in the log the service may be sent a signal: the handlers are in place.
  logger.info({ port: server.port }, `${service} listens on ${server.url}`)
  const answered = await awaitDatabase({
    database,
    signal: AbortSignal.any([stopping, replaced]),
    // The reason is in the log already: the pool reports each attempt as an event.
    onRetry: (_error, retryInMs) => logger.info({ retryInMs }, 'waiting for the database'),
  })
  if (!answered) return
  lifecycle.ready()
  if (migrations) await awaitMigrations({ service, migrations, signal: stopping, logger })
  if (stopping.aborted) return
  logger.info('ready: the database answers')
  await warnAboutServer({ database, monitor }, logger)
}

function open<T>(openDatabase: () => T): T {
  try {
    return openDatabase()
  } catch (error) {
    const own = findDatabaseError(error)
    throw own?.code === 'CONFIGURATION' ? misconfigured(own) : error
  }
}

/** Only where somebody may read them. */
function keepSlowRequests({ HEALTH_DETAILS, DATABASE_SLOW_QUERY = 0 }: ServeEnv): SlowRequests | undefined {
  if (HEALTH_DETAILS === 'never' || DATABASE_SLOW_QUERY === 0) return undefined
  return createSlowRequests(DATABASE_SLOW_QUERY * 1000)
}

function shutdownTimes({ NODE_ENV, SHUTDOWN_TIMEOUT, SHUTDOWN_DELAY }: ServeEnv) {
  const delay = SHUTDOWN_DELAY ?? (NODE_ENV === 'production' ? 1 : 0)
  return { timeoutMs: SHUTDOWN_TIMEOUT * 1000, drainDelayMs: delay * 1000 }
}
