import {
  boolean,
  type Check,
  duration,
  integer,
  type OptionGroup,
  type OptionGroups,
  oneOf,
  resolveOptions,
  timer,
} from './option-checks.ts'

/** How many connections, for how long, and how they are checked. Times in ms. */
export interface PoolOptions {
  /** Connections kept open once used. 1 to 10 000. Default 10. */
  poolSize: number
  /** Connections beyond poolSize while all are in use; -1 = no limit. Default 20. */
  maxOverflow: number
  /** Longest time for a checkout, all of it: queue, ping and connect. > 0. Default 30 000. */
  checkoutTimeoutMs: number
  /** Callers in the queue beyond which the next is refused at once. 0 or more. Default 1 000. */
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

export type ResetMode = PoolOptions['resetOnCheckin']

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

const poolChecks: Record<keyof PoolOptions, Check> = {
  poolSize: integer(1, 10_000),
  maxOverflow: integer(-1, 10_000),
  checkoutTimeoutMs: timer(1),
  maxWaiting: integer(0, 10_000_000),
  recycleMs: duration,
  idleTimeoutMs: duration,
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

/** The names, defaults and checks of the pool's options. */
export const poolOptionGroup: OptionGroup<PoolOptions> = {
  group: 'pool',
  defaults: poolDefaults,
  checks: poolChecks,
}

/**
 * Fills in the pool's defaults and checks each value.
 *
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolvePoolOptions(given: Partial<PoolOptions> = {}, groups?: OptionGroups): PoolOptions {
  return resolveOptions(poolOptionGroup, given, groups)
}
