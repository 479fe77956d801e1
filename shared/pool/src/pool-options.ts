import { type OptionsOf, type OptionTable, resolveOptions } from './option-table.ts'

/**
 * The pool's options: how many connections, for how long, and how they are checked. The comment over an entry is written
 * from it, for editors to show.
 */
export const poolOptions = {
  /** Connections kept open once used. With `maxOverflow`, the most that one process opens. 1 to 10 000. Default: 10. */
  poolSize: {
    kind: 'integer',
    min: 1,
    max: 10_000,
    default: 10,
    variable: 'DATABASE_POOL_SIZE',
    sentence: 'Connections kept open once used. With `maxOverflow`, the most that one process opens.',
  },
  /**
   * Connections beyond `poolSize` while all are in use, closed again afterwards; -1: no limit. -1 to 10 000. Default: 20.
   */
  maxOverflow: {
    kind: 'integer',
    min: -1,
    max: 10_000,
    default: 20,
    variable: 'DATABASE_MAX_OVERFLOW',
    sentence: 'Connections beyond `poolSize` while all are in use, closed again afterwards; -1: no limit.',
  },
  /**
   * Longest time for a checkout, all of it: queue, ping and connect. Keep it above `connectTimeoutMs` and below the time
   * that a request may take. In ms, 1 or more. Default: 30 000.
   */
  checkoutTimeoutMs: {
    kind: 'time',
    min: 1,
    default: 30_000,
    variable: 'DATABASE_POOL_TIMEOUT',
    sentence:
      'Longest time for a checkout, all of it: queue, ping and connect. Keep it above `connectTimeoutMs` and below the time that a request may take.',
  },
  /** Callers in the queue for a connection; one more is refused at once. 0 to 10 000 000. Default: 1 000. */
  maxWaiting: {
    kind: 'integer',
    min: 0,
    max: 10_000_000,
    default: 1_000,
    variable: 'DATABASE_MAX_WAITING',
    sentence: 'Callers in the queue for a connection; one more is refused at once.',
  },
  /**
   * Age at which a connection is replaced between two uses, less up to a tenth so that not all go together. In ms, 1 or
   * more, Infinity: never. Default: 3 600 000.
   */
  recycleMs: {
    kind: 'time',
    min: 1,
    never: true,
    default: 3_600_000,
    variable: 'DATABASE_POOL_RECYCLE',
    sentence:
      'Age at which a connection is replaced between two uses, less up to a tenth so that not all go together.',
  },
  /** Time without use after which a connection is closed. In ms, 1 or more, Infinity: never. Default: 600 000. */
  idleTimeoutMs: {
    kind: 'time',
    min: 1,
    never: true,
    default: 600_000,
    variable: 'DATABASE_IDLE_TIMEOUT',
    sentence: 'Time without use after which a connection is closed.',
  },
  /** Tests a connection that has been idle before it is handed out. Default: true. */
  prePing: {
    kind: 'boolean',
    default: true,
    variable: 'DATABASE_POOL_PRE_PING',
    sentence: 'Tests a connection that has been idle before it is handed out.',
  },
  /** Silence after which the test is made; 0: at every checkout. In ms, 0 or more. Default: 500. */
  prePingIdleMs: {
    kind: 'time',
    min: 0,
    default: 500,
    variable: 'DATABASE_POOL_PRE_PING_IDLE',
    sentence: 'Silence after which the test is made; 0: at every checkout.',
  },
  /**
   * Longest time for the test, or for a reset, before the connection counts as dead. In ms, 1 or more. Default: 2 000.
   */
  prePingTimeoutMs: {
    kind: 'time',
    min: 1,
    default: 2_000,
    variable: 'DATABASE_POOL_PRE_PING_TIMEOUT',
    sentence: 'Longest time for the test, or for a reset, before the connection counts as dead.',
  },
  /** Single statements that may be under way on one connection at once; 1: no pipelining. 1 to 90. Default: 16. */
  sharedDepth: {
    kind: 'integer',
    min: 1,
    // Beyond about 100 a driver may queue what it is given, where nothing can be taken back.
    max: 90,
    default: 16,
    variable: 'DATABASE_POOL_SHARED_DEPTH',
    sentence: 'Single statements that may be under way on one connection at once; 1: no pipelining.',
  },
  /** Time after which a running statement counts as slow: no other is sent behind it. In ms, 1 or more. Default: 20. */
  slowStatementMs: {
    kind: 'time',
    min: 1,
    default: 20,
    variable: 'DATABASE_POOL_SLOW_STATEMENT',
    sentence: 'Time after which a running statement counts as slow: no other is sent behind it.',
  },
  /**
   * Time after which a transaction or other exclusive use is reported once, with where it began; 0: never. In ms, 0 or
   * more. Default: 60 000.
   */
  leakAfterMs: {
    kind: 'time',
    min: 0,
    default: 60_000,
    variable: 'DATABASE_POOL_LEAK_TIMEOUT',
    sentence:
      'Time after which a transaction or other exclusive use is reported once, with where it began; 0: never.',
  },
  /**
   * A checkout that takes longer than this is reported, with the numbers of the pool; 0: never. In ms, 0 or more.
   * Default: 1 000.
   */
  slowCheckoutMs: {
    kind: 'time',
    min: 0,
    default: 1_000,
    variable: 'DATABASE_POOL_SLOW_CHECKOUT',
    sentence: 'A checkout that takes longer than this is reported, with the numbers of the pool; 0: never.',
  },
  /**
   * How a connection is cleaned after exclusive use: discard resets all session state, rollback only ends a transaction.
   * Default: discard.
   */
  resetOnCheckin: {
    kind: 'choice',
    choices: ['discard', 'rollback'],
    default: 'discard',
    variable: 'DATABASE_POOL_RESET',
    sentence:
      'How a connection is cleaned after exclusive use: discard resets all session state, rollback only ends a transaction.',
  },
} as const satisfies OptionTable

/** The pool's options, all of them. Times in ms. */
export interface PoolOptions extends OptionsOf<typeof poolOptions> {}

export type ResetMode = PoolOptions['resetOnCheckin']

/**
 * Fills in the defaults and checks each value.
 *
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolvePoolOptions(given?: Partial<PoolOptions>): PoolOptions {
  return resolveOptions({ pool: poolOptions }, 'pool', given)
}
