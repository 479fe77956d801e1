import type { ConnectionOptions, PoolOptions } from '@shared/database'
import type { ServiceEnv } from './service-env.ts'

/** The part of `createDatabase`'s options that comes from the environment: each option, so that none is forgotten. */
export interface EnvironmentDatabaseOptions {
  readonly url: string
  /** Set when the password came from DATABASE_PASSWORD_FILE, and not from the URL. */
  readonly passwordFile: string | undefined
  readonly replicas: number
  readonly pool: PoolOptions
  readonly connection: ConnectionOptions
}

/**
 * Turns a service's environment into options for `createDatabase`: seconds become milliseconds, -1 becomes
 * Infinity, and the URL is revealed. Hand the result on at once and do not log it.
 *
 * The URL names host, port, user, password, database and sslmode, so that neither the driver's defaults nor
 * `PG*` variables have a say.
 */
export function databaseOptions(env: ServiceEnv): EnvironmentDatabaseOptions {
  return {
    url: env.DATABASE_URL.reveal(),
    passwordFile: env.DATABASE_PASSWORD_FILE,
    replicas: env.DATABASE_REPLICAS,
    pool: {
      poolSize: env.DATABASE_POOL_SIZE,
      maxOverflow: env.DATABASE_MAX_OVERFLOW,
      maxWaiting: env.DATABASE_MAX_WAITING,
      checkoutTimeoutMs: milliseconds(env.DATABASE_POOL_TIMEOUT),
      recycleMs: milliseconds(env.DATABASE_POOL_RECYCLE),
      idleTimeoutMs: milliseconds(env.DATABASE_IDLE_TIMEOUT),
      prePing: env.DATABASE_POOL_PRE_PING,
      prePingIdleMs: milliseconds(env.DATABASE_POOL_PRE_PING_IDLE),
      prePingTimeoutMs: milliseconds(env.DATABASE_POOL_PRE_PING_TIMEOUT),
      sharedDepth: env.DATABASE_POOL_SHARED_DEPTH,
      slowStatementMs: milliseconds(env.DATABASE_POOL_SLOW_STATEMENT),
      leakAfterMs: milliseconds(env.DATABASE_POOL_LEAK_TIMEOUT),
      slowCheckoutMs: milliseconds(env.DATABASE_POOL_SLOW_CHECKOUT),
      resetOnCheckin: env.DATABASE_POOL_RESET,
    },
    connection: {
      connectTimeoutMs: milliseconds(env.DATABASE_CONNECT_TIMEOUT),
      statementTimeoutMs: milliseconds(env.DATABASE_STATEMENT_TIMEOUT),
      prepare: env.DATABASE_PREPARE,
      maxPreparedStatements: env.DATABASE_MAX_PREPARED_STATEMENTS,
      planCacheMode: env.DATABASE_PLAN_CACHE_MODE,
      definitionsCheckMs: milliseconds(env.DATABASE_DEFINITIONS_CHECK),
      stallAfterMs: milliseconds(env.DATABASE_STALL_TIMEOUT),
      retryReads: env.DATABASE_RETRY_READS,
      sslMode: env.DATABASE_SSL_MODE,
      sslRootCert: env.DATABASE_SSL_ROOT_CERT,
      applicationName: env.DATABASE_APPLICATION_NAME,
    },
  }
}

function milliseconds(seconds: number): number {
  return seconds === -1 ? Number.POSITIVE_INFINITY : Math.round(seconds * 1000)
}
