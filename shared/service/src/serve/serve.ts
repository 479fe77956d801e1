import type { DatabaseEvent } from '@shared/database'
import { findDatabaseError } from '@shared/database'
import { createMonitor } from '@shared/monitor'
import type { HealthAccess, ServiceContext, ServiceDatabase } from '../context/context.ts'
import { watchEventLoop } from '../context/event-loop.ts'
import { createLifecycle } from '../context/lifecycle.ts'
import { databaseLog } from '../log/database-log.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'
import { createLogger } from '../log/logger.ts'
import { awaitDatabase } from './await-database.ts'
import { listen } from './listen.ts'
import { misconfigured, StartFailure } from './start-failure.ts'
import { type DeadlineEnv, deadlineWarnings, warnAboutServer } from './start-warnings.ts'
import { stopOnSignal } from './stop-on-signal.ts'

/** The variables `serve` reads; `ServiceEnv` of @shared/env has them. Times are in seconds. */
export interface ServeEnv extends DeadlineEnv {
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
}

/** What a service hands to `serve`. */
export interface ServeOptions<TDatabase extends ServiceDatabase> {
  service: string
  env: ServeEnv
  /** Creates the database's pool; must not connect. */
  openDatabase: (onEvent: (event: DatabaseEvent) => void) => TDatabase
  createApp: (context: ServiceContext<TDatabase>) => {
    fetch: (request: Request) => Response | Promise<Response>
  }
}

/**
 * Runs a service until a signal stops it, and ends the process then.
 *
 * Listens at once and answers 503 on `/readyz` until the database has answered. Exit codes: 0 stopped in order; 1 the
 * port is taken, the database refuses this role permanently, something was thrown outside a request, or requests had to be
 * cut off; 78 the configuration is wrong; 130 and 143 a second SIGINT or SIGTERM.
 */
export async function serve<TDatabase extends ServiceDatabase>(
  options: ServeOptions<TDatabase>,
): Promise<void> {
  const { service, env } = options
  const logger = createLogger({
    service,
    level: env.LOG_LEVEL,
    format: env.NODE_ENV === 'development' ? 'pretty' : 'json',
  })
  try {
    await run(options, logger)
  } catch (error) {
    const reason = error instanceof StartFailure ? error.message : JSON.stringify(describeError(error))
    // Not a log line: it must be read whatever LOG_LEVEL says.
    process.stderr.write(`${service}: cannot start: ${reason}\n`)
    process.exit(error instanceof StartFailure ? error.exitCode : 1)
  }
}

async function run<TDatabase extends ServiceDatabase>(
  options: ServeOptions<TDatabase>,
  logger: Logger,
): Promise<void> {
  const { service, env, createApp } = options
  const lifecycle = createLifecycle()
  const eventLoop = watchEventLoop()
  for (const warning of deadlineWarnings(env)) logger.warn(warning)
  const database = open(() => options.openDatabase(databaseLog(logger)))
  const monitor = createMonitor(database, { replicas: env.DATABASE_REPLICAS })
  const health = { details: env.HEALTH_DETAILS, token: env.HEALTH_TOKEN?.reveal() }
  const requestTimeoutMs = env.REQUEST_TIMEOUT * 1000
  const corsOrigins = env.CORS_ORIGINS ?? []
  const app = createApp({
    database,
    monitor,
    logger,
    lifecycle,
    health,
    eventLoop,
    requestTimeoutMs,
    corsOrigins,
  })
  const server = listen({ fetch: (request) => app.fetch(request), host: env.HOST, port: env.PORT, logger })
  monitor.start()
  const stopping = stopOnSignal({ server, database, monitor, lifecycle, logger, ...shutdownTimes(env) })
  // Once this is in the log the service may be sent a signal: the handlers are in place.
  logger.info({ port: server.port }, `${service} listens on ${server.url}`)
  const answered = await awaitDatabase({
    database,
    signal: stopping,
    // The reason is in the log already: the pool reports each attempt as an event.
    onRetry: (_error, retryInMs) => logger.info({ retryInMs }, 'waiting for the database'),
  })
  if (!answered) return
  lifecycle.ready()
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

function shutdownTimes({ NODE_ENV, SHUTDOWN_TIMEOUT, SHUTDOWN_DELAY }: ServeEnv) {
  const delay = SHUTDOWN_DELAY ?? (NODE_ENV === 'production' ? 1 : 0)
  return { timeoutMs: SHUTDOWN_TIMEOUT * 1000, drainDelayMs: delay * 1000 }
}
