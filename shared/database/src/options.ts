import {
  type OptionsOf,
  type OptionTable,
  type PoolOptions,
  poolOptions,
  refuseUnknownNames,
  resolveOptions,
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
   * each connect; system: the system’s. With it require verifies as verify-ca, as in libpq. Default: the system’s.
   */
  sslRootCert: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'the system’s',
    example: '/etc/ssl/certs/database-ca.pem',
    variable: 'DATABASE_SSL_ROOT_CERT',
    sentence:
      'File (PEM) with the certificate authorities that verify-ca and verify-full trust instead of the system’s, read at each connect; system: the system’s. With it require verifies as verify-ca, as in libpq.',
  },
  /** File (PEM) with the certificate that says to the server who connects, read at each connect. Default: none. */
  sslCert: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'none',
    example: '/run/secrets/client.crt',
    variable: 'DATABASE_SSL_CERT',
    sentence: 'File (PEM) with the certificate that says to the server who connects, read at each connect.',
  },
  /** File (PEM) with the key of `sslCert`. Nobody else may be allowed to read it. Default: in the file of `sslCert`. */
  sslKey: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'in the file of `sslCert`',
    example: '/run/secrets/client.key',
    variable: 'DATABASE_SSL_KEY',
    sentence: 'File (PEM) with the key of `sslCert`. Nobody else may be allowed to read it.',
  },
  /**
   * How TLS begins: postgres asks the server first; direct begins with it, which saves a round trip and needs PostgreSQL
   * 17 or later and `sslMode` require or more. Default: postgres.
   */
  sslNegotiation: {
    kind: 'choice',
    choices: ['postgres', 'direct'],
    default: 'postgres',
    variable: 'DATABASE_SSL_NEGOTIATION',
    sentence:
      'How TLS begins: postgres asks the server first; direct begins with it, which saves a round trip and needs PostgreSQL 17 or later and `sslMode` require or more.',
  },
  /**
   * Whether a login by password is bound to its TLS connection (SCRAM-SHA-256-PLUS), as channel_binding of libpq:
   * disable, prefer (where the server can) or require, which keeps out who stands between with a certificate of its own.
   * Default: prefer.
   */
  channelBinding: {
    kind: 'choice',
    choices: ['disable', 'prefer', 'require'],
    default: 'prefer',
    variable: 'DATABASE_CHANNEL_BINDING',
    sentence:
      'Whether a login by password is bound to its TLS connection (SCRAM-SHA-256-PLUS), as channel_binding of libpq: disable, prefer (where the server can) or require, which keeps out who stands between with a certificate of its own.',
  },
  /**
   * File of passwords as libpq has it (.pgpass: host:port:database:user:password, a line each), read at each connect
   * where no password is given. Nobody else may be allowed to read it. Default: none.
   */
  passFile: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'none',
    example: '/run/secrets/pgpass',
    variable: 'DATABASE_PASSFILE',
    sentence:
      'File of passwords as libpq has it (.pgpass: host:port:database:user:password, a line each), read at each connect where no password is given. Nobody else may be allowed to read it.',
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
  /**
   * Which of the hosts are connected to, as target_session_attrs of libpq: any, read-write, read-only, primary, standby
   * or prefer-standby; auto: any with one host, read-write with several. Default: auto.
   */
  targetSessionAttrs: {
    kind: 'choice',
    choices: ['auto', 'any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
    default: 'auto',
    variable: 'DATABASE_TARGET_SESSION_ATTRS',
    sentence:
      'Which of the hosts are connected to, as target_session_attrs of libpq: any, read-write, read-only, primary, standby or prefer-standby; auto: any with one host, read-write with several.',
  },
  /**
   * In which order several hosts are tried: as given (disable) or shuffled at each connect (random). Default: disable.
   */
  loadBalanceHosts: {
    kind: 'choice',
    choices: ['disable', 'random'],
    default: 'disable',
    variable: 'DATABASE_LOAD_BALANCE_HOSTS',
    sentence:
      'In which order several hosts are tried: as given (disable) or shuffled at each connect (random).',
  },
  /**
   * Silence after which TCP tests whether the other end is still there, for what sits on no statement; 0: never. In ms, 0
   * or more. Default: 60 000.
   */
  keepAliveMs: {
    kind: 'time',
    min: 0,
    default: 60_000,
    variable: 'DATABASE_KEEP_ALIVE',
    sentence:
      'Silence after which TCP tests whether the other end is still there, for what sits on no statement; 0: never.',
  },
  /**
   * Most connections that all processes of this role have together, which they share through the server; 0: each process
   * opens what its own pool allows. Has no effect behind a pooler. 0 to 30 000. Default: 0.
   */
  maxRoleConnections: {
    kind: 'integer',
    min: 0,
    max: 30_000,
    default: 0,
    variable: 'DATABASE_MAX_ROLE_CONNECTIONS',
    sentence:
      'Most connections that all processes of this role have together, which they share through the server; 0: each process opens what its own pool allows. Has no effect behind a pooler.',
  },
  /**
   * Lets the process end by itself while no work is under way, without close(): connections that nobody uses do not keep
   * it running. Default: false.
   */
  allowExitOnIdle: {
    kind: 'boolean',
    default: false,
    variable: 'DATABASE_ALLOW_EXIT_ON_IDLE',
    sentence:
      'Lets the process end by itself while no work is under way, without close(): connections that nobody uses do not keep it running.',
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
  /**
   * What is sent to the server as options at login, as options of libpq: settings (-c name=value, separated by spaces),
   * or what a proxy in front of it wants to be told. Default: none.
   */
  options: {
    kind: 'text',
    maxBytes: 4096,
    default: undefined,
    unset: 'none',
    example: '-c search_path=app',
    variable: 'DATABASE_OPTIONS',
    sentence:
      'What is sent to the server as options at login, as options of libpq: settings (-c name=value, separated by spaces), or what a proxy in front of it wants to be told.',
  },
  /**
   * Longest time for a call of a hook (onConnect, beforeCheckout) before its connection is closed. In ms, 1 or more.
   * Default: 5 000.
   */
  hookTimeoutMs: {
    kind: 'time',
    min: 1,
    default: 5_000,
    variable: 'DATABASE_HOOK_TIMEOUT',
    sentence:
      'Longest time for a call of a hook (onConnect, beforeCheckout) before its connection is closed.',
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
   * A statement that the server takes this long for, or longer, is reported with its text, without values, and its place
   * in the program; 0: never. In ms, 0 or more. Default: 0.
   */
  slowQueryMs: {
    kind: 'time',
    min: 0,
    default: 0,
    variable: 'DATABASE_SLOW_QUERY',
    sentence:
      'A statement that the server takes this long for, or longer, is reported with its text, without values, and its place in the program; 0: never.',
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

/** The options of reads from standbys. The comment over an entry is written from it, for editors to show. */
export const replicaOptions = {
  /**
   * Sends plain reads to standbys by itself, outside transactions and inside a call of within(), which knows what was
   * written in it; else only those of the handle for reads go there. Default: false.
   */
  routeReads: {
    kind: 'boolean',
    default: false,
    variable: 'DATABASE_ROUTE_READS',
    sentence:
      'Sends plain reads to standbys by itself, outside transactions and inside a call of within(), which knows what was written in it; else only those of the handle for reads go there.',
  },
  /** How far a standby may be behind the primary to be read from. In ms, 0 or more. Default: 10 000. */
  maxLagMs: {
    kind: 'time',
    min: 0,
    default: 10_000,
    variable: 'DATABASE_MAX_LAG',
    sentence: 'How far a standby may be behind the primary to be read from.',
  },
} as const satisfies OptionTable

/** The options of reads from standbys, all of them. Times in ms. */
export interface ReplicaOptions extends OptionsOf<typeof replicaOptions> {}

/** The options of a connection, all of them. Times in ms. */
export interface ConnectionOptions extends OptionsOf<typeof connectionOptions> {}

export type SslMode = ConnectionOptions['sslMode']

/** What `sslMode`, and sslmode in a URL, may be. */
export const sslModes = connectionOptions.sslMode.choices

/** The options of a database by the group that they are given in. */
export const optionGroups = { pool: poolOptions, connection: connectionOptions, replicas: replicaOptions }

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

/** Fills in the defaults of reads from standbys and checks each value; throws as `resolvePoolOptions` does. */
export function resolveReplicaOptions(given?: Partial<ReplicaOptions>): ReplicaOptions {
  return resolveOptions(optionGroups, 'replicas', given)
}

/**
 * Checks the names that stand beside `pool` and `connection`.
 *
 * @throws {ConfigurationError} for an unknown one, saying where an option of that name belongs.
 */
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  refuseUnknownNames(optionGroups, given, known)
}
