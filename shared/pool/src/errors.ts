import { type Deadline, type DeadlineOwner, describeLimit, type SpentOn } from './deadline.ts'
import type { PoolStatus } from './status.ts'

/** What every error of the layer is: a stable `code`, a message that says what to do, the `cause` kept. */
export abstract class DatabaseError extends Error {
  abstract readonly code: string
  /** The deadline that ended the work, whose it was and what it was spent on; null where none did. */
  readonly deadline: Deadline | null

  constructor(message: string, options: { cause?: unknown; deadline?: Deadline | null } = {}) {
    super(message, options)
    this.name = new.target.name
    this.deadline = options.deadline ?? null
  }
}

/** An option is wrong; the message names it, what was expected and what was given. */
export class ConfigurationError extends DatabaseError {
  readonly code = 'CONFIGURATION'
}

/**
 * The server refused a connection or did not answer; `cause` is the driver's error.
 *
 * `sqlState` is the server's answer (28P01, 3D000, 42501, 53300 …) or null when it never answered;
 * `retryable` is false where trying again can't help before somebody changes something.
 */
export class ConnectError extends DatabaseError {
  readonly code = 'CONNECT_FAILED'
  readonly sqlState: string | null
  readonly driverCode: string | null
  readonly retryable: boolean
  /** Whether a server is there that may become the one to connect to: then callers wait until their own deadline. */
  readonly worthWaiting: boolean

  constructor(
    message: string,
    options: {
      cause?: unknown
      sqlState?: string | null
      driverCode?: string | null
      retryable?: boolean
      worthWaiting?: boolean
      deadline?: Deadline
    } = {},
  ) {
    super(message, options)
    this.sqlState = options.sqlState ?? null
    this.driverCode = options.driverCode ?? null
    this.retryable = options.retryable ?? true
    this.worthWaiting = options.worthWaiting ?? false
  }
}

/**
 * The caller's deadline, no matter who set it, passed while every connection was out; `status` is the pool at that moment.
 *
 * `timeoutMs` is all the time that the deadline allowed, `waitedMs` what of it was spent in the queue.
 */
export class CheckoutTimeoutError extends DatabaseError {
  readonly code = 'CHECKOUT_TIMEOUT'
  readonly timeoutMs: number
  readonly waitedMs: number
  readonly status: PoolStatus

  constructor(
    timeoutMs: number,
    status: PoolStatus,
    options: { cause?: unknown; owner?: DeadlineOwner; waitedMs?: number } = {},
  ) {
    const { owner = 'pool', waitedMs = timeoutMs } = options
    const deadline: Deadline = { owner, timeoutMs, spentOn: 'queue' }
    super(
      `Pool ${status.name} limit of size ${status.poolSize} overflow ${status.maxOverflow}${allowed(status)} reached: no connection came free ` +
        `in ${Math.round(waitedMs)} ms, when ${describeLimit(deadline)} were over (${status.checkedOut} checked out, ${status.idle} idle, ${status.connecting} connecting, ` +
        `${status.waiting} waiting). Find what holds them (oldest lease ${Math.round(status.oldestLeaseMs ?? 0)} ms) or raise poolSize.`,
      { ...options, deadline },
    )
    this.timeoutMs = timeoutMs
    this.waitedMs = waitedMs
    this.status = status
  }
}

function allowed({ allowance }: PoolStatus): string {
  return allowance === undefined
    ? ''
    : `, of which ${allowance} are allowed now by a ceiling that it shares with others,`
}

/**
 * There is no room for another connection now, which is no failure of the server: a connector throws it before it has tried, and
 * the pool's callers wait until `allow()` lets them. None of them ever sees it.
 */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
}

/** The caller's AbortSignal fired before it had a connection; `cause` is the signal's reason. */
export class CheckoutAbortedError extends DatabaseError {
  readonly code = 'CHECKOUT_ABORTED'

  constructor(cause: unknown) {
    super('The checkout was aborted by its signal before a connection came free.', { cause })
  }
}

/** Everyone who holds a connection waits for one more: nobody could ever be served. */
export class NestedCheckoutError extends DatabaseError {
  readonly code = 'NESTED_CHECKOUT'
  readonly status: PoolStatus
  /** Where each of the connections was taken. This error's own stack is the other place. */
  readonly heldAt: readonly string[]

  constructor(status: PoolStatus, heldAt: readonly string[]) {
    super(
      `Pool ${status.name}: all ${status.checkedOut} connections are held by callers that wait for another one ` +
        `(taken at ${[...new Set(heldAt)].join('; ')}). ` +
        'Inside a transaction or use() work on the handle it gives you (tx, connection.db), not on the outer db.',
    )
    this.status = status
    this.heldAt = heldAt
  }
}

/** The queue is full: refused at once, try again after `retryAfterMs`. */
export class PoolSaturatedError extends DatabaseError {
  readonly code = 'POOL_SATURATED'
  readonly status: PoolStatus
  readonly retryAfterMs: number

  constructor(status: PoolStatus, retryAfterMs: number) {
    super(
      `Pool ${status.name} is saturated: ${status.waiting} callers already wait for ${status.poolSize} + ${status.maxOverflow} connections. ` +
        `Try again in ${Math.round(retryAfterMs)} ms.`,
    )
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** `close()` was called before, or while this caller waited. */
export class PoolClosedError extends DatabaseError {
  readonly code = 'POOL_CLOSED'

  constructor(name: string) {
    super(`Pool ${name} is closed: the process is shutting down, or close() was called too early.`)
  }
}

/**
 * A deadline passed while a statement was running, which was cancelled, or before it was sent. `deadline` is null for a bound
 * of the layer's own, such as a ping's.
 */
export class StatementTimeoutError extends DatabaseError {
  readonly code = 'STATEMENT_TIMEOUT'
  readonly timeoutMs: number

  constructor(
    timeoutMs: number,
    options: { cause?: unknown; owner?: DeadlineOwner; spentOn?: 'statement' | 'commit' | 'caller' } = {},
  ) {
    const { owner, spentOn = 'statement' } = options
    const deadline = owner ? { owner, timeoutMs, spentOn } : null
    super(
      deadline
        ? lateMessages[spentOn](describeLimit(deadline))
        : `The server did not answer within ${Math.round(timeoutMs)} ms.`,
      { ...options, deadline },
    )
    this.timeoutMs = timeoutMs
  }
}

const lateMessages = {
  statement: (limit: string) =>
    `The server had not answered when ${limit} were over. The statement was cancelled: find out why it is slow, or allow more ` +
    'time. Outside a transaction it may still have taken effect.',
  commit: (limit: string) => `COMMIT had not been answered when ${limit} were over.`,
  caller: (limit: string) =>
    `The statement was not sent: ${limit} were over before it. Allow more time, or do less in it.`,
} satisfies Partial<Record<SpentOn, (limit: string) => string>>

/** A signal fired under a statement or before it was sent: the work was given up, and what ran for it was cancelled; `cause` is the signal's reason. */
export class WorkAbortedError extends DatabaseError {
  readonly code = 'WORK_ABORTED'

  constructor(cause: unknown) {
    super('The work was given up by its signal, and what ran for it was cancelled.', { cause })
  }
}
