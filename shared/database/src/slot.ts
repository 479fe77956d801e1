import type { PoolOptions } from './options.ts'
import type { Place } from './place.ts'

export type ResetMode = PoolOptions['resetOnCheckin']

/** What the pool needs of a connection; it knows nothing of SQL. */
export interface PoolConnection {
  /** Statements handed over and not yet answered. */
  readonly inFlight: number
  /** When the server last answered, on the pool's clock. */
  readonly spokeAt: number
  /** True once the connection should be replaced when nobody uses it, for a reason of its own. */
  readonly worn: boolean
  /** Whether a statement may be put behind those under way. */
  readonly sharable: boolean
  /** Settles when the server answered; rejects when it did not within the time. */
  ping(timeoutMs: number): Promise<void>
  /** Ends what a borrower may have left; rejects when that failed or took too long. */
  reset(how: ResetMode, timeoutMs: number): Promise<void>
  /** Says goodbye; settles when the server has let go, at the latest after a bound of its own. */
  close(): Promise<void>
  /** Cuts the connection at once, cancelling on the server what still runs there; settles as `close()` does. */
  destroy(): Promise<void>
}

/** Makes one connection; `onLost` is called once if it goes away later, unasked. */
export type Connector<C> = (options: {
  timeoutMs: number
  signal: AbortSignal
  onLost: (cause: unknown) => void
}) => Promise<C>

/** connecting → idle ⇄ leased → closed. Only Supply moves a slot. */
export type SlotState = 'connecting' | 'idle' | 'leased' | 'closed'

/**
 * How a connection is taken: by one caller alone (`exclusive`), by a single statement with others before and behind it
 * (`shared`), or by one that must not have any (`alone`).
 */
export type LeaseKind = 'exclusive' | 'shared' | 'alone'

/** A place in the pool and the connection in it. Times are monotonic, in ms. */
export interface Slot<C> {
  state: SlotState
  /** Null only while connecting. */
  connection: C | null
  readonly createdAt: number
  readonly recycleAt: number
  idleSince: number
  leasedAt: number
  /** Single statements under way on it; 0 under an exclusive lease. */
  shares: number
  exclusive: boolean
  /** True while a connection that has just answered is offered to the line. */
  verified: boolean
  /** When the statement now running was begun, under shared leases. */
  busySince: number
  /** Whether its one single statement must not have others behind it. */
  isAlone: boolean
  /** Where the exclusive lease was taken; null under shared ones. */
  place: Place | null
  /** True once the lease was reported as held for too long. */
  isReported: boolean
  /** Checkouts that wait inside this exclusive lease. */
  nestedWaits: number
}

/** The place of a connection that is being opened. */
export function connectingSlot<C>(createdAt: number, recycleAt: number): Slot<C> {
  return {
    state: 'connecting',
    connection: null,
    createdAt,
    recycleAt,
    idleSince: createdAt,
    leasedAt: createdAt,
    shares: 0,
    exclusive: false,
    verified: false,
    busySince: createdAt,
    isAlone: false,
    place: null,
    isReported: false,
    nestedWaits: 0,
  }
}

/** An exclusive hold on a connection. It ends once, by `checkin()`; later calls do nothing. */
export interface Lease<C> {
  readonly connection: C
  readonly slot: Slot<C>
  readonly ended: boolean
  /** Gives the connection back, reset first if asked (default 'none'). Settles when it is available again; never rejects. */
  checkin(options?: { reset?: ResetMode | 'none' }): Promise<void>
}
