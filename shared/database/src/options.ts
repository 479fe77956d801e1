import {
  boolean,
  type Check,
  ConfigurationError,
  duration,
  integer,
  type OptionGroup,
  oneOf,
  type PoolOptions,
  poolOptionGroup,
  resolveOptions,
  resolvePoolOptions as resolvePool,
  shown,
  text,
  timer,
  unknownOption,
} from '@shared/pool'

/** How one connection is made and what it carries. Times in ms. */
export interface ConnectionOptions {
  /**
   * Longest time for one attempt: TCP, TLS and login. Also how long an outage is waited out: once every attempt has
   * failed for this long, callers are told at the next failure instead of at their deadline. > 0. Default 10 000.
   */
  connectTimeoutMs: number
  /** The server's own limit for a statement, 0 = none. Default 0. */
  statementTimeoutMs: number
  /** Sends statements prepared (one round trip when warm), except through a pooler that would lose them. Default true. */
  prepare: boolean
  /** Statement texts that one connection keeps prepared. 0 or more. Default 256. */
  maxPreparedStatements: number
  /** As the server's plan_cache_mode: whether a prepared plan fits the values or serves all. Default 'auto', the server's own. */
  planCacheMode: PlanCacheMode
  /**
   * How often it is looked whether definitions (columns, types, functions) have changed under prepared plans. 0 = never.
   * Default 1 000.
   */
  definitionsCheckMs: number
  /**
   * Silence after which a running statement is looked up in pg_stat_activity, to tell a long one from a dead connection.
   * 0 = never; has no effect behind a pooler. Default 1 000.
   */
  stallAfterMs: number
  /**
   * Runs a plain read outside transactions whose connection was lost once more, on a fresh one: a text that is known to have
   * no effect, as it calls nothing but harmless functions of PostgreSQL's own. Nothing else is ever repeated. Default false.
   */
  retryReads: boolean
  /** As libpq's sslmode. Default 'prefer'. */
  sslMode: SslMode
  /** Path of the CA file for verify-ca and verify-full. Default: the system's. */
  sslRootCert: string | undefined
  /** What pg_stat_activity shows. Default: the database's `name`. */
  applicationName: string | undefined
}

export type PlanCacheMode = (typeof planCacheModes)[number]

/** What `planCacheMode` may be. */
export const planCacheModes = ['auto', 'force_custom_plan', 'force_generic_plan'] as const

export type SslMode = (typeof sslModes)[number]

/** What `sslMode`, and sslmode in a URL, may be. */
export const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

const connectionDefaults: ConnectionOptions = {
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 0,
  prepare: true,
  maxPreparedStatements: 256,
  planCacheMode: 'auto',
  definitionsCheckMs: 1_000,
  stallAfterMs: 1_000,
  retryReads: false,
  sslMode: 'prefer',
  sslRootCert: undefined,
  applicationName: undefined,
}

const grace: Check = {
  expected: 'a time in ms from 0, or Infinity',
  ok: (value) => typeof value === 'number' && value >= 0,
}
const signal: Check = { expected: 'an AbortSignal', ok: (value) => value instanceof AbortSignal }

const connectionChecks: Record<keyof ConnectionOptions, Check> = {
  connectTimeoutMs: timer(1),
  statementTimeoutMs: timer(0),
  prepare: boolean,
  maxPreparedStatements: integer(0, 100_000),
  planCacheMode: oneOf(...planCacheModes),
  definitionsCheckMs: timer(0),
  stallAfterMs: timer(0),
  retryReads: boolean,
  sslMode: oneOf(...sslModes),
  sslRootCert: text,
  applicationName: text,
}

const connectionOptionGroup: OptionGroup<ConnectionOptions> = {
  group: 'connection',
  defaults: connectionDefaults,
  checks: connectionChecks,
}

const groups = [poolOptionGroup, connectionOptionGroup]

/** Fills in the connection's defaults and checks each value; throws as `resolvePoolOptions` does. */
export function resolveConnectionOptions(given: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return resolveOptions(connectionOptionGroup, given, groups)
}

/** As the pool's own, which does not know of the connection's. */
export function resolvePoolOptions(given: Partial<PoolOptions> = {}): PoolOptions {
  return resolvePool(given, groups)
}

const bounds = { timeoutMs: duration, signal }
const argumentChecks = {
  connect: bounds,
  ping: bounds,
  use: bounds,
  within: { ...bounds, owner: oneOf('within', 'request') },
  transaction: {
    ...bounds,
    retries: integer(0, 1_000_000),
    isolationLevel: oneOf('read uncommitted', 'read committed', 'repeatable read', 'serializable'),
    accessMode: oneOf('read only', 'read write'),
    deferrable: boolean,
  },
  close: { timeoutMs: grace },
  migrate: { lockTimeoutMs: grace },
} satisfies Record<string, Record<string, Check>>

/**
 * Checks the options of a call.
 *
 * @throws {ConfigurationError} naming the call and the option, what was expected and what was given; an unknown name is one too.
 */
export function checkArguments(call: keyof typeof argumentChecks, given: object): void {
  if (typeof given !== 'object' || given === null)
    throw new ConfigurationError(`The options of ${call}() must be an object, got ${shown(given)}.`)
  const checks: Record<string, Check> = argumentChecks[call]
  for (const [key, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) {
      const known = Object.keys(checks).join(', ')
      throw new ConfigurationError(`Unknown option ${key} of ${call}(). Known are ${known}.`)
    }
    if (value !== undefined && !check.ok(value))
      throw new ConfigurationError(
        `Option ${key} of ${call}() must be ${check.expected}, got ${shown(value)} (${typeof value}).`,
      )
  }
}

/**
 * Checks the names that stand beside `pool` and `connection`.
 *
 * @throws {ConfigurationError} for an unknown one, saying where an option of that name belongs.
 */
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) if (!known.includes(key)) throw unknownOption(key, key, known, groups)
}
