import type { ResetMode } from './pool-options.ts'

/** What the pool needs of a connection; it knows nothing of SQL. */
export interface PoolConnection {
  /** Statements handed over and not yet answered. */
  readonly inFlight: number
  /** When the server last answered, on the pool's clock. */
  readonly spokeAt: number
  /** True once the connection should be replaced when nobody uses it, for a reason of its own. */
  readonly shouldReplace: boolean
  /** Whether a statement may be put behind those under way. */
  readonly sharable: boolean
  /** Settles when the server answered; rejects when it did not within the time. */
  ping(timeoutMs: number): Promise<void>
  /** Ends what a borrower may have left; rejects when that failed or took too long. */
  reset(how: ResetMode, timeoutMs: number): Promise<void>
  /** Closes the connection in order; settles when the server has let go, at the latest after a bound of its own. */
  close(): Promise<void>
  /** Cuts the connection at once, cancelling on the server what still runs there; settles as `close()` does. */
  destroy(): Promise<void>
}

/** Makes one connection, or throws NoRoomError; `onLost` is called once if it is lost later, unasked. */
export type Connector<C> = (options: {
  timeoutMs: number
  signal: AbortSignal
  onLost: (cause: unknown) => void
}) => Promise<C>

/**
 * How a connection is taken: by one caller alone (`exclusive`), by a single statement with others before and behind it
 * (`shared`), or by one that must not have any (`alone`).
 */
export type LeaseKind = 'exclusive' | 'shared' | 'alone'

/**
 * connecting → idle ⇄ in use → closed. In use is: being pinged, or leased in one of the three ways. Only Supply moves a
 * slot from one state to another, by `Slots.move()`.
 */
export type SlotState = 'connecting' | 'idle' | 'pinging' | LeaseKind | 'closed'

/** One of the pool's connections, from the attempt to open it on. Times are monotonic, in ms. */
export interface Slot<C> {
  state: SlotState
  /** When it became idle, or was taken into use. */
  since: number
  /** Null only while connecting. */
  connection: C | null
  readonly createdAt: number
  readonly recycleAt: number
  /** Single statements under way on it; 0 unless it is shared or alone. */
  shares: number
  /** When the single statement now running was begun. */
  busySince: number
  /** The exclusive lease on it; null otherwise. */
  lease: Tenure | null
}

/** What a pool notes of an exclusive lease while it lasts. */
export interface Tenure {
  /** Where it was taken; null where leaks are not watched. */
  readonly callSite: CallSite | null
  /** Checkouts that wait inside it. */
  nestedWaits: number
  /** True once it was reported as held for too long. */
  isReported: boolean
}

/** Remembers where it was made; the stack is only rendered when somebody reads it. */
export type CallSite = Error

/** The slot of a connection that is being opened. */
export function connectingSlot<C>(createdAt: number, recycleAt: number): Slot<C> {
  return {
    state: 'connecting',
    since: createdAt,
    connection: null,
    createdAt,
    recycleAt,
    shares: 0,
    busySince: createdAt,
    lease: null,
  }
}
