import { abortedError, deadlineOf, noConnection } from './checkout-errors.ts'
import type { TimeLimit } from './deadline.ts'
import {
  CheckoutTimeoutError,
  type DatabaseError,
  NestedCheckoutError,
  PoolClosedError,
  PoolSaturatedError,
} from './errors.ts'
import { Histogram } from './histogram.ts'
import type { ExclusiveLease, SharedLease } from './lease.ts'
import { Leases } from './leases.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Connector, LeaseKind, PoolConnection, Slot } from './slot.ts'
import {
  createCounters,
  describeStatus,
  type PoolEventType,
  type PoolStatus,
  type PoolTimings,
  poolStatus,
} from './status.ts'
import { Supply } from './supply.ts'
import { type Waiter, WaitQueue } from './wait-queue.ts'

export interface QueuePoolOptions<C> {
  name: string
  pool: PoolOptions
  connectTimeoutMs: number
  connect: Connector<C>
  onEvent?: (type: PoolEventType, error?: unknown, detail?: string) => void
  /** Folders whose code is not the program's: a lease's call site is the first line outside them. */
  ownFolders?: readonly string[]
  /** Monotonic clock in ms. Default performance.now. */
  now?: () => number
  /** For jitter, from 0 to 1. Default Math.random. */
  random?: () => number
}

export interface CheckoutOptions<C> {
  /** Longest time in ms for all of it: queue, ping and connect. Infinity: no bound but the signal. Default checkoutTimeoutMs (30 000). */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** The lease inside which the caller was started, if any: while it is held its wait is checked for a deadlock. */
  holder?: ExclusiveLease<C> | undefined
}

type SharedKind = Exclude<LeaseKind, 'exclusive'>

// The timer of the queue is late after a blocked event loop, never by so much.
const strandedAfterMs = 5_000

/**
 * SQLAlchemy's QueuePool for anything that can connect, ping, reset and close: `poolSize` kept and `maxOverflow` extra,
 * one FIFO queue, exclusive leases and shared ones.
 *
 * Two invariants: nobody is served before the head of the queue, and everything that may free a connection ends in
 * `#serve()`, the only place where the queue is served.
 */
export class QueuePool<C extends PoolConnection> {
  readonly #name: string
  readonly #options: PoolOptions
  readonly #onEvent: (type: PoolEventType, error?: unknown, detail?: string) => void
  readonly #now: () => number
  readonly #counters = createCounters()
  readonly #waits = new Histogram()
  readonly #supply: Supply<C>
  readonly #leases: Leases<C>
  readonly #queue: WaitQueue<Slot<C>>
  #closed: Promise<void> | null = null

  constructor(options: QueuePoolOptions<C>) {
    this.#name = options.name
    this.#options = options.pool
    this.#onEvent = options.onEvent ?? (() => {})
    this.#now = options.now ?? (() => performance.now())
    this.#queue = new WaitQueue<Slot<C>>(
      { expired: (waiter) => this.#expired(waiter), aborted: (waiter) => this.#aborted(waiter) },
      this.#now,
    )
    this.#supply = new Supply<C>({
      pool: options.pool,
      connectTimeoutMs: options.connectTimeoutMs,
      connect: options.connect,
      counters: this.#counters,
      onEvent: this.#onEvent,
      now: this.#now,
      random: options.random ?? Math.random,
      isWanted: () => this.#queue.length > 0,
      onChange: () => this.#serve(),
      onRefused: (error) => this.#queue.rejectAll(error),
    })
    this.#leases = new Leases<C>({
      pool: options.pool,
      supply: this.#supply,
      ownFolders: options.ownFolders ?? [],
      onEvent: this.#onEvent,
      now: this.#now,
      onFree: () => this.#serve(),
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
    const slot = await this.#take('exclusive', options)
    return this.#leases.exclusive(slot, site)
  }

  /** Takes a warm connection for one caller alone, at once; null when there is none: then go through `checkout()`. */
  tryCheckout(): ExclusiveLease<C> | null {
    const slot = this.#tryTake('exclusive', this.#now())
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
    const slot = this.#tryTake(kind, now)
    return slot && this.#leases.shared(slot, now)
  }

  /** Takes room for one autocommit statement, waiting in the queue for it if need be; throws as `checkout()` does. */
  async share(options: CheckoutOptions<C> = {}, kind: SharedKind = 'shared'): Promise<SharedLease<C>> {
    const slot = await this.#take(kind, options)
    return this.#leases.shared(slot, this.#now())
  }

  /** Rejects callers whose deadline passed long ago, and says how many there were. */
  rejectStranded(): number {
    return this.#queue.expireBefore(this.#now() - strandedAfterMs)
  }

  /** Counts what was settled by nothing but a last check: each is a defect. */
  countDefects(count: number): void {
    this.#counters.defects += count
  }

  /** Counts a statement that was cancelled to let those behind it pass. */
  countPreemption(): void {
    this.#counters.preemptions++
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

  /** One consistent snapshot of the pool. */
  status(): PoolStatus {
    return poolStatus({
      name: this.#name,
      options: this.#options,
      supply: this.#supply,
      queue: this.#queue,
      counters: this.#counters,
      now: this.#now(),
    })
  }

  /** How long waits, leases and connects took, since the pool was made. */
  timings(): PoolTimings {
    return {
      // A caller that did not wait is only counted: the fast path must cost nothing.
      waitMs: this.#waits.snapshot(this.#counters.checkouts - this.#waits.count),
      useMs: this.#leases.times.snapshot(),
      createMs: this.#supply.attempts.times.snapshot(),
    }
  }

  /**
   * Refuses new checkouts and rejects the waiters, waits for the leases that are out, and closes every connection.
   * What is still out after `timeoutMs` (5 000) is cancelled and cut. Always settles; later calls return the same promise.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= Promise.resolve().then(() => {
      const error = new PoolClosedError(this.#name)
      this.#leases.stop()
      this.#queue.rejectAll(error)
      return this.#supply.drain(options.timeoutMs ?? 5_000, error)
    })
    return this.#closed
  }

  /** Nobody is served before those in the queue. */
  #tryTake(kind: LeaseKind, now: number): Slot<C> | null {
    if (this.#queue.length > 0 || this.#closed) return null
    const slot = this.#ready(kind, now)
    if (slot) this.#use(slot, kind, now)
    return slot
  }

  async #take(kind: LeaseKind, options: CheckoutOptions<C>): Promise<Slot<C>> {
    const { holder, signal } = options
    if (this.#closed) throw new PoolClosedError(this.#name)
    if (signal?.aborted) {
      if (!deadlineOf(signal)) this.#counters.cancels++
      throw abortedError(signal)
    }
    const ready = this.#tryTake(kind, this.#now())
    if (ready) return ready
    if (this.#queue.length >= this.#options.maxWaiting && !this.#canBeServed()) {
      this.#counters.saturations++
      throw this.#reported('saturated', new PoolSaturatedError(this.status(), this.#retryAfterMs()))
    }
    if (!holder || holder.ended) return this.#wait(kind, options)
    holder.nestedWaits++
    try {
      if (this.#supply.isDeadlocked)
        throw this.#reported(
          'nested-checkout',
          new NestedCheckoutError(this.status(), this.#leases.callSites()),
        )
      return await this.#wait(kind, options)
    } finally {
      holder.nestedWaits--
    }
  }

  /** Whether a caller that joins the queue now is not behind others, and what it needs only has to be pinged or opened. */
  #canBeServed(): boolean {
    return this.#supply.canGrow() || (this.#queue.length === 0 && this.#supply.count.idle > 0)
  }

  async #wait(kind: LeaseKind, options: CheckoutOptions<C>): Promise<Slot<C>> {
    this.#counters.waits++
    const since = this.#now()
    const { timeoutMs, signal } = options
    const limit: TimeLimit =
      timeoutMs === undefined
        ? { owner: 'pool', timeoutMs: this.#options.checkoutTimeoutMs }
        : { owner: 'call', timeoutMs }
    const served = this.#queue.join(kind, limit, signal)
    this.#serve()
    try {
      return await served
    } finally {
      const waitedMs = this.#now() - since
      this.#counters.waitMs += waitedMs
      const { slowCheckoutMs } = this.#options
      if (slowCheckoutMs > 0 && waitedMs >= slowCheckoutMs) {
        this.#onEvent(
          'checkout-slow',
          undefined,
          `waited ${Math.round(waitedMs)} ms; ${describeStatus(this.status())}`,
        )
      }
    }
  }

  /** Serves the queue from its head while there is something to serve it with, then has made what the rest needs. */
  #serve(): void {
    for (let waiter = this.#queue.head; waiter; waiter = this.#queue.head) {
      const now = this.#now()
      const slot = this.#ready(waiter.kind, now)
      if (!slot) break
      this.#queue.remove(waiter)
      this.#use(slot, waiter.kind, now)
      this.#waits.record(now - waiter.since)
      waiter.resolve(slot)
    }
    if (this.#queue.length > 0) this.#supply.request(this.#demand())
  }

  /**
   * What can be handed out now. A single statement goes to an idle connection; to none while another may be opened below
   * poolSize or is being opened for it; then behind others, on the least loaded connection.
   */
  #ready(kind: LeaseKind, now: number): Slot<C> | null {
    const fresh = this.#supply.fresh(now)
    if (fresh || kind !== 'shared') return fresh
    const { slots, count, backoff, attempts } = this.#supply
    if (count.idle > 0) return null
    // Each connection on its way will take one: who goes behind others instead leaves it without work.
    const asking = Math.max(1, this.#queue.length)
    const isComing = slots.size < this.#options.poolSize || asking <= attempts.arriving
    return isComing && !backoff.failing ? null : this.#supply.leastLoaded(now)
  }

  /** Connections that the queue could use: one a caller up to poolSize, beyond it as few as can serve it. */
  #demand(): number {
    if (this.#supply.slots.size < this.#options.poolSize || this.#supply.count.idle > 0)
      return this.#queue.length
    const { separate } = this.#queue
    return separate + Math.ceil((this.#queue.length - separate) / this.#options.sharedDepth)
  }

  #use(slot: Slot<C>, kind: LeaseKind, now: number): void {
    this.#counters.checkouts++
    if (slot.state === 'idle') this.#supply.take(slot, kind, now)
    if (kind !== 'exclusive') slot.shares++
  }

  #expired(waiter: Waiter<Slot<C>>): void {
    waiter.reject(this.#outOfTime(waiter, waiter.limit))
    this.#serve()
  }

  #aborted(waiter: Waiter<Slot<C>>): void {
    const limit = deadlineOf(waiter.signal)
    if (limit) waiter.reject(this.#outOfTime(waiter, limit))
    else {
      this.#counters.cancels++
      waiter.reject(abortedError(waiter.signal))
    }
    // The next in the queue may be of the kind that can be served now.
    this.#serve()
  }

  /** What a deadline that passed in the queue is, no matter who set it: the pool was exhausted, or the server gave no connection. */
  #outOfTime(waiter: Waiter<Slot<C>>, limit: TimeLimit): DatabaseError {
    const waitedMs = this.#now() - waiter.since
    const { count, leased, limit: capacity, backoff } = this.#supply
    const failure = backoff.lastFailureSince(waiter.since)?.error
    // Not exhausted: there was room for one more connection, and the server did not give it.
    if (leased - count.pinging < capacity && (failure || count.connecting + count.pinging > 0))
      return noConnection(this.#name, limit, waitedMs, failure)
    this.#counters.timeouts++
    const { owner, timeoutMs } = limit
    const error = new CheckoutTimeoutError(timeoutMs, this.status(), { owner, waitedMs, cause: failure })
    return this.#reported('checkout-timeout', error)
  }

  #reported<E extends Error>(type: PoolEventType, error: E): E {
    this.#onEvent(type, error)
    return error
  }

  /** What the wait has cost the head of the queue so far is the best guess of what it costs next. */
  #retryAfterMs(): number {
    const { head } = this.#queue
    return Math.max(100, head ? this.#now() - head.since : 0)
  }
}
