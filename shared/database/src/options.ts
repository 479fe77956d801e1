import {
  boolean,
  type Check,
  ConfigurationError,
  choice,
  integer,
  type OptionsOf,
  type OptionTable,
  type PoolOptions,
  poolOptions,
  refuseUnknownNames,
  resolveOptions,
  shownValue,
  time,
  wrongOption,
} from '@shared/pool'

/**
 * The options of a connection: how it is made and what it carries. The comment over an entry is written from it, for
 * editors to show.
 */
export const connectionOptions = {
  /**
   * How far a connection insists on TLS, as sslmode of libpq: disable, prefer (encrypted where the server can), require
   * (encrypted), verify-ca (and signed by a trusted authority) or verify-full (and for this host). Use verify-full across
   * a network that you do not own. Default: prefer.
   */
  sslMode: {
    kind: 'choice',
    choices: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'],
    default: 'prefer',
    variable: 'DATABASE_SSL_MODE',
    sentence:
      'How far a connection insists on TLS, as sslmode of libpq: disable, prefer (encrypted where the server can), require (encrypted), verify-ca (and signed by a trusted authority) or verify-full (and for this host). Use verify-full across a network that you do not own.',
  },
  /**
   * File (PEM) with the certificate authorities that verify-ca and verify-full trust instead of the system’s, read at
   * each connect. Default: the system’s.
   */
  sslRootCert: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'the system’s',
    example: '/etc/ssl/certs/database-ca.pem',
    variable: 'DATABASE_SSL_ROOT_CERT',
    sentence:
      'File (PEM) with the certificate authorities that verify-ca and verify-full trust instead of the system’s, read at each connect.',
  },
  /**
   * Longest time for one attempt to connect: TCP, TLS and login. Once every attempt has failed for this long, callers get
   * the error at the next failure instead of waiting until their deadline. In ms, 1 or more. Default: 10 000.
   */
  connectTimeoutMs: {
    kind: 'time',
    min: 1,
    default: 10_000,
    variable: 'DATABASE_CONNECT_TIMEOUT',
    sentence:
      'Longest time for one attempt to connect: TCP, TLS and login. Once every attempt has failed for this long, callers get the error at the next failure instead of waiting until their deadline.',
  },
  /** Name of the connections in pg_stat_activity. Default: the `name` of the database. */
  applicationName: {
    kind: 'text',
    maxBytes: 63,
    default: undefined,
    unset: 'the `name` of the database',
    variable: 'DATABASE_APPLICATION_NAME',
    sentence: 'Name of the connections in pg_stat_activity.',
  },
  /** Time after which the server cancels a statement; 0: as server and role have it. In ms, 0 or more. Default: 0. */
  statementTimeoutMs: {
    kind: 'time',
    min: 0,
    default: 0,
    variable: 'DATABASE_STATEMENT_TIMEOUT',
    sentence: 'Time after which the server cancels a statement; 0: as server and role have it.',
  },
  /**
   * Sends statements prepared (one round trip when warm), except through a pooler that would lose them. Default: true.
   */
  prepare: {
    kind: 'boolean',
    default: true,
    variable: 'DATABASE_PREPARE',
    sentence:
      'Sends statements prepared (one round trip when warm), except through a pooler that would lose them.',
  },
  /**
   * Prepared statements that each connection keeps, a text with the types of its parameters each; what is beyond them
   * runs unprepared. 0 to 100 000. Default: 256.
   */
  maxPreparedStatements: {
    kind: 'integer',
    min: 0,
    max: 100_000,
    default: 256,
    variable: 'DATABASE_MAX_PREPARED_STATEMENTS',
    sentence:
      'Prepared statements that each connection keeps, a text with the types of its parameters each; what is beyond them runs unprepared.',
  },
  /**
   * plan_cache_mode of prepared statements: auto (as server and role have it), force_custom_plan (a plan for the values
   * of each run) or force_generic_plan (one for all). Default: auto.
   */
  planCacheMode: {
    kind: 'choice',
    choices: ['auto', 'force_custom_plan', 'force_generic_plan'],
    default: 'auto',
    variable: 'DATABASE_PLAN_CACHE_MODE',
    sentence:
      'plan_cache_mode of prepared statements: auto (as server and role have it), force_custom_plan (a plan for the values of each run) or force_generic_plan (one for all).',
  },
  /**
   * Time between checks for changed tables, types and functions, after which statements are prepared anew; 0: never. In
   * ms, 0 or more. Default: 1 000.
   */
  definitionsCheckMs: {
    kind: 'time',
    min: 0,
    default: 1_000,
    variable: 'DATABASE_DEFINITIONS_CHECK',
    sentence:
      'Time between checks for changed tables, types and functions, after which statements are prepared anew; 0: never.',
  },
  /**
   * Silence after which a running statement is looked up on the server, to tell a long one from a dead connection; 0:
   * never. Has no effect behind a pooler. In ms, 0 or more. Default: 1 000.
   */
  stallAfterMs: {
    kind: 'time',
    min: 0,
    default: 1_000,
    variable: 'DATABASE_STALL_TIMEOUT',
    sentence:
      'Silence after which a running statement is looked up on the server, to tell a long one from a dead connection; 0: never. Has no effect behind a pooler.',
  },
  /**
   * Runs a read outside transactions that is known to have no effect once more when its connection was lost. Nothing else
   * is ever repeated. Default: false.
   */
  retryReads: {
    kind: 'boolean',
    default: false,
    variable: 'DATABASE_RETRY_READS',
    sentence:
      'Runs a read outside transactions that is known to have no effect once more when its connection was lost. Nothing else is ever repeated.',
  },
} as const satisfies OptionTable

/** The options of a connection, all of them. Times in ms. */
export interface ConnectionOptions extends OptionsOf<typeof connectionOptions> {}

export type SslMode = ConnectionOptions['sslMode']

/** What `sslMode`, and sslmode in a URL, may be. */
export const sslModes = connectionOptions.sslMode.choices

/** The options of a database by the group that they are given in. */
export const optionGroups = { pool: poolOptions, connection: connectionOptions }

/**
 * Fills in the pool's defaults and checks each value.
 *
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolvePoolOptions(given?: Partial<PoolOptions>): PoolOptions {
  return resolveOptions(optionGroups, 'pool', given)
}

/** Fills in the connection's defaults and checks each value; throws as `resolvePoolOptions` does. */
export function resolveConnectionOptions(given?: Partial<ConnectionOptions>): ConnectionOptions {
  return resolveOptions(optionGroups, 'connection', given)
}

/**
 * Checks the names that stand beside `pool` and `connection`.
 *
 * @throws {ConfigurationError} for an unknown one, saying where an option of that name belongs.
 */
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  refuseUnknownNames(optionGroups, given, known)
}

const limit: Check = {
  expected: 'a time in ms above 0, or Infinity',
  ok: (value) => typeof value === 'number' && value > 0,
}
const grace = time(0, true)
const signal: Check = { expected: 'an AbortSignal', ok: (value) => value instanceof AbortSignal }

const bounds = { timeoutMs: limit, signal }
const argumentChecks = {
  connect: bounds,
  ping: bounds,
  use: bounds,
  within: { ...bounds, owner: choice('within', 'request') },
  transaction: {
    ...bounds,
    retries: integer(0, 1_000_000),
    isolationLevel: choice('read uncommitted', 'read committed', 'repeatable read', 'serializable'),
    accessMode: choice('read only', 'read write'),
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
    throw new ConfigurationError(`The options of ${call}() must be an object, got ${shownValue(given)}.`)
  const checks: Record<string, Check> = argumentChecks[call]
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (!check) {
      const known = Object.keys(checks).join(', ')
      throw new ConfigurationError(`Unknown option ${name} of ${call}(). Known are ${known}.`)
    }
    if (value !== undefined && !check.ok(value)) throw wrongOption(`${name} of ${call}()`, check, value)
  }
}
