import { currentTimes } from './current-times.ts'
import { type CheckoutOptions, Dispatcher } from './dispatcher.ts'
import { PoolClosedError } from './errors.ts'
import type { ExclusiveLease, SharedLease } from './lease.ts'
import { Leases } from './leases.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Connector, LeaseKind, PoolConnection } from './slot.ts'
import {
  createCounters,
  type PoolEventType,
  type PoolStatus,
  type PoolTimings,
  poolStatus,
} from './status.ts'
import { Supply } from './supply.ts'

export interface QueuePoolOptions<C> {
  name: string
  pool: PoolOptions
  connectTimeoutMs: number
  connect: Connector<C>
  onEvent?: (type: PoolEventType, error?: unknown, detail?: string) => void
  /** Called when another connection is wanted and only what `allow()` has set stands in the way; often, so it must cost little. */
  onShort?: () => void
  /** Folders whose code is not the program's: a lease's call site is the first line outside them. */
  ownFolders?: readonly string[]
  /** Monotonic clock in ms. Default performance.now. */
  now?: () => number
  /** For jitter, from 0 to 1. Default Math.random. */
  random?: () => number
}

type SharedKind = Exclude<LeaseKind, 'exclusive'>

// The timer of the queue is late after a blocked event loop, never by so much.
const strandedAfterMs = 5_000

/**
 * SQLAlchemy's QueuePool for anything that can connect, ping, reset and close: `poolSize` kept and `maxOverflow` extra,
 * one FIFO queue, exclusive leases and shared ones.
 *
 * It puts three parts together: Supply has the connections, Dispatcher decides who gets one, Leases takes them back.
 */
export class QueuePool<C extends PoolConnection> {
  readonly #name: string
  readonly #options: PoolOptions
  readonly #now: () => number
  readonly #counters = createCounters()
  readonly #supply: Supply<C>
  readonly #leases: Leases<C>
  readonly #dispatcher: Dispatcher<C>
  #closed: Promise<void> | null = null

  constructor(options: QueuePoolOptions<C>) {
    const { name, pool, onEvent = () => {}, now = () => performance.now() } = options
    this.#name = name
    this.#options = pool
    this.#now = now
    this.#supply = new Supply<C>({
      pool,
      connectTimeoutMs: options.connectTimeoutMs,
      connect: options.connect,
      counters: this.#counters,
      onEvent,
      now,
      random: options.random ?? Math.random,
      isWanted: () => this.#dispatcher.queue.length > 0,
      onChange: () => this.#dispatcher.serve(),
      onShort: options.onShort ?? (() => {}),
      onRefused: (error) => this.#dispatcher.queue.rejectAll(error),
    })
    this.#leases = new Leases<C>({
      pool,
      supply: this.#supply,
      ownFolders: options.ownFolders ?? [],
      onEvent,
      now,
      onFree: () => {
        if (this.#dispatcher.queue.length > 0) this.#dispatcher.serve()
      },
    })
    this.#dispatcher = new Dispatcher<C>({
      name,
      pool,
      supply: this.#supply,
      counters: this.#counters,
      status: () => this.status(),
      callSites: () => this.#leases.callSites(),
      onEvent,
      now,
    })
  }

  /**
   * Takes a connection for one caller alone: an idle one that is fresh or answers a ping, else a new one while below
   * poolSize + maxOverflow, else the first to come free after the callers already in the queue.
   *
   * @returns A lease; end it once with `checkin()`.
   * @throws {CheckoutTimeoutError} every connection stayed out until the deadline, this call's or one that the signal stands for.
   * @throws {ConnectError} the server refused or did not answer; `cause` is the last failure.
   * @throws {PoolSaturatedError} the queue is full. Also {@link NestedCheckoutError}, {@link CheckoutAbortedError}, {@link PoolClosedError}.
   * @see SQLAlchemy QueuePool, lib/sqlalchemy/pool/impl.py `_do_get`
   */
  async checkout(options: CheckoutOptions<C> = {}): Promise<ExclusiveLease<C>> {
    const site = this.#leases.callSite()
    const slot = await this.#dispatcher.take('exclusive', options)
    return this.#leases.exclusive(slot, site)
  }

  /** Takes a warm connection for one caller alone, at once; null when there is none: then go through `checkout()`. */
  tryCheckout(): ExclusiveLease<C> | null {
    const slot = this.#dispatcher.tryTake('exclusive', this.#now())
    return slot && this.#leases.exclusive(slot, this.#leases.callSite())
  }

  /**
   * Takes room on a warm connection for one autocommit statement; null when there is none and the caller must go
   * through `share()`.
   *
   * @param now The time, where the caller has just read it: the clock costs more than the rest.
   * @param kind Whether the statement may be put behind others, and others behind it.
   */
  tryShare(now: number = this.#now(), kind: SharedKind = 'shared'): SharedLease<C> | null {
    const slot = this.#dispatcher.tryTake(kind, now)
    return slot && this.#leases.shared(slot, now)
  }

  /** Takes room for one autocommit statement, waiting in the queue for it if need be; throws as `checkout()` does. */
  async share(options: CheckoutOptions<C> = {}, kind: SharedKind = 'shared'): Promise<SharedLease<C>> {
    const slot = await this.#dispatcher.take(kind, options)
    return this.#leases.shared(slot, this.#now())
  }

  /** Rejects callers whose deadline passed long ago, and says how many there were. */
  rejectStranded(): number {
    return this.#dispatcher.queue.expireBefore(this.#now() - strandedAfterMs)
  }

  /** Counts what was settled by nothing but a last check: each is a defect. */
  countDefects(count: number): void {
    this.#counters.defects += count
  }

  /** Counts a statement that was cancelled to let those behind it pass. */
  countPreemption(): void {
    this.#counters.preemptions++
  }

  /** Callers in the queue. */
  get waiting(): number {
    return this.#dispatcher.queue.length
  }

  /** How much there is to do: connections in use, and callers in the queue. */
  get load(): number {
    return this.#supply.slots.leased + this.#dispatcher.queue.length
  }

  /** What the server may hold of this pool: connections in whatever state, those being opened or closed included. */
  get size(): number {
    return this.#supply.size
  }

  /** How many connections could be in use now: those used within `recentMs`, and those that callers would take if there were more. */
  demand(recentMs: number): number {
    return this.#dispatcher.demand(recentMs)
  }

  /**
   * Sets the most connections there may be for now, within poolSize + maxOverflow: what is idle beyond it is closed, what is in
   * use when it comes back.
   */
  allow(count: number): void {
    this.#supply.allow(count)
  }

  /** The connections there are now, in whatever state. */
  *connections(): Generator<C> {
    for (const { connection } of this.#supply.slots) if (connection) yield connection
  }

  /** The connections that several single statements are on now. */
  *crowdedConnections(): Generator<C> {
    for (const { connection, shares } of this.#supply.slots) if (connection && shares > 1) yield connection
  }

  /** Retires every connection made until now: idle ones at once, those in use when they come back. */
  invalidate(): void {
    this.#supply.invalidate(this.#now())
  }

  /** A server that was failing is known to be there again: connects now instead of after a pause. */
  reconnect(): void {
    this.#supply.backoff.hurry()
  }

  /** One consistent snapshot of the pool. */
  status(): PoolStatus {
    return poolStatus({
      name: this.#name,
      options: this.#options,
      limit: this.#supply.limit,
      most: this.#supply.most,
      slots: this.#supply.slots,
      queue: this.#dispatcher.queue,
      counters: this.#counters,
      now: this.#now(),
    })
  }

  /** How long waits, leases and connects took, since the pool was made, and how long those take that are not over. */
  timings(): PoolTimings {
    const { waits } = this.#dispatcher
    return {
      // A caller that did not wait is only counted: the fast path must cost nothing.
      waitMs: waits.snapshot(this.#counters.checkouts - waits.count),
      useMs: this.#leases.times.snapshot(),
      createMs: this.#supply.attempts.times.snapshot(),
      ...currentTimes(this.#supply.slots, this.#dispatcher.queue, this.#now()),
    }
  }

  /**
   * Refuses new checkouts and rejects the waiters, waits for the leases that are out, and closes every connection.
   * What is still out after `timeoutMs` (5 000) is cancelled and cut. Always settles; later calls return the same promise.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#dispatcher.stop()
    this.#closed ??= Promise.resolve().then(() => {
      const error = new PoolClosedError(this.#name)
      this.#leases.stop()
      this.#dispatcher.queue.rejectAll(error)
      return this.#supply.drain(options.timeoutMs ?? 5_000, error)
    })
    return this.#closed
  }
}
