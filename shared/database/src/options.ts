import { ConfigurationError } from './errors.ts'
import { longestTimerMs } from './timer.ts'

/** How many connections, for how long, and how they are checked. Times in ms. */
export interface PoolOptions {
  /** Connections kept open once used. 1 to 10 000. Default 10. */
  poolSize: number
  /** Connections beyond poolSize while all are in use; -1 = no limit. Default 20. */
  maxOverflow: number
  /** Longest time for a checkout, all of it: line, ping and connect. > 0. Default 30 000. */
  checkoutTimeoutMs: number
  /** Callers in line beyond which the next is refused at once. 0 or more. Default 1 000. */
  maxWaiting: number
  /** Age after which a connection is replaced when nobody uses it, less up to a tenth so that they don't go together. > 0, Infinity = never. Default 3 600 000. */
  recycleMs: number
  /** Time unused after which a connection is closed. > 0, Infinity = never. Default 600 000. */
  idleTimeoutMs: number
  /** Asks a connection for an answer before it is handed out. Default true. */
  prePing: boolean
  /** No ping for a connection that spoke within this time. 0 = ping at every checkout. Default 500. */
  prePingIdleMs: number
  /** Longest time for a ping or a reset before the connection counts as dead. > 0. Default 2 000. */
  prePingTimeoutMs: number
  /** Single statements that may be under way on one connection at once; 1 = no pipelining. 1 to 90. Default 16. */
  sharedDepth: number
  /** A connection whose statement runs longer than this gets no other statement behind it. > 0. Default 20. */
  slowStatementMs: number
  /** An exclusive lease held for longer is reported once, with where it was taken. 0 = never. Default 60 000. */
  leakAfterMs: number
  /** A checkout that took longer is reported with the pool's numbers. 0 = never. Default 1 000. */
  slowCheckoutMs: number
  /** What `use()` leaves behind: 'discard' resets all session state, 'rollback' only ends a transaction. Default 'discard'. */
  resetOnCheckin: 'discard' | 'rollback'
}

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

const poolDefaults: PoolOptions = {
  poolSize: 10,
  maxOverflow: 20,
  checkoutTimeoutMs: 30_000,
  maxWaiting: 1_000,
  recycleMs: 3_600_000,
  idleTimeoutMs: 600_000,
  prePing: true,
  prePingIdleMs: 500,
  prePingTimeoutMs: 2_000,
  sharedDepth: 16,
  slowStatementMs: 20,
  leakAfterMs: 60_000,
  slowCheckoutMs: 1_000,
  resetOnCheckin: 'discard',
}

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

type Check = { expected: string; ok: (value: unknown) => boolean }

const integer = (min: number, max: number): Check => ({
  expected: `a whole number from ${min} to ${max}`,
  ok: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
})
const timer = (min: number): Check => ({
  expected: `a time in ms from ${min} to ${longestTimerMs}`,
  ok: (value) => typeof value === 'number' && value >= min && value <= longestTimerMs,
})
const age: Check = {
  expected: 'a time in ms above 0, or Infinity',
  ok: (value) => typeof value === 'number' && value > 0,
}
const boolean: Check = { expected: 'true or false', ok: (value) => typeof value === 'boolean' }
const text: Check = { expected: 'a text', ok: (value) => value === undefined || typeof value === 'string' }
const oneOf = (...values: readonly string[]): Check => ({
  expected: `one of ${values.join(', ')}`,
  ok: (value) => values.includes(value as string),
})

const grace: Check = {
  expected: 'a time in ms from 0, or Infinity',
  ok: (value) => typeof value === 'number' && value >= 0,
}
const signal: Check = { expected: 'an AbortSignal', ok: (value) => value instanceof AbortSignal }

const poolChecks: Record<keyof PoolOptions, Check> = {
  poolSize: integer(1, 10_000),
  maxOverflow: integer(-1, 10_000),
  checkoutTimeoutMs: timer(1),
  maxWaiting: integer(0, 10_000_000),
  recycleMs: age,
  idleTimeoutMs: age,
  prePing: boolean,
  prePingIdleMs: timer(0),
  prePingTimeoutMs: timer(1),
  // The driver pipelines 100 statements a connection and queues the rest where they can't be taken back.
  sharedDepth: integer(1, 90),
  slowStatementMs: timer(1),
  leakAfterMs: timer(0),
  slowCheckoutMs: timer(0),
  resetOnCheckin: oneOf('discard', 'rollback'),
}

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

/**
 * Fills in the pool's defaults and checks each value.
 *
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolvePoolOptions(given: Partial<PoolOptions> = {}): PoolOptions {
  return resolve('pool', poolDefaults, poolChecks, given)
}

/** Fills in the connection's defaults and checks each value; throws as `resolvePoolOptions` does. */
export function resolveConnectionOptions(given: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return resolve('connection', connectionDefaults, connectionChecks, given)
}

const bounds = { timeoutMs: age, signal }
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
    throw new ConfigurationError(`The options of ${call}() must be an object, got ${Bun.inspect(given)}.`)
  const checks: Record<string, Check> = argumentChecks[call]
  for (const [key, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) {
      const known = Object.keys(checks).join(', ')
      throw new ConfigurationError(`Unknown option ${key} of ${call}(). Known are ${known}.`)
    }
    if (value !== undefined && !check.ok(value))
      throw new ConfigurationError(
        `Option ${key} of ${call}() must be ${check.expected}, got ${Bun.inspect(value)} (${typeof value}).`,
      )
  }
}

/**
 * Checks the names that stand beside `pool` and `connection`.
 *
 * @throws {ConfigurationError} for an unknown one, saying where an option of that name belongs.
 */
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) if (!known.includes(key)) throw unknownOption(key, key, known)
}

const groups = { pool: poolDefaults, connection: connectionDefaults }

/** @param path The name with that of its group. */
function unknownOption(path: string, name: string, known: readonly string[]): ConfigurationError {
  for (const [group, defaults] of Object.entries(groups)) {
    const home = Object.keys(defaults).find((option) => option.toLowerCase() === name.toLowerCase())
    if (home) return new ConfigurationError(`Unknown option ${path}. Did you mean ${group}.${home}?`)
  }
  return new ConfigurationError(`Unknown option ${path}. Known are ${known.join(', ')}.`)
}

function resolve<T extends object>(
  group: string,
  defaults: T,
  checks: Record<keyof T, Check>,
  given: Partial<T>,
): T {
  const resolved = { ...defaults }
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    const check: Check | undefined = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) throw unknownOption(`${group}.${key}`, key, Object.keys(defaults))
    const value = given[key]
    if (value === undefined) continue
    if (!check.ok(value)) {
      throw new ConfigurationError(
        `Option ${group}.${key} must be ${check.expected}, got ${Bun.inspect(value)} (${typeof value}).`,
      )
    }
    resolved[key] = value as T[keyof T & string]
  }
  return Object.freeze(resolved)
}
