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
import type { ExclusiveLease } from './lease.ts'
import type { PoolOptions } from './pool-options.ts'
import type { LeaseKind, PoolConnection, Slot } from './slot.ts'
import { describeStatus, type PoolCounters, type PoolEventType, type PoolStatus } from './status.ts'
import type { Supply } from './supply.ts'
import { type Waiter, WaitQueue } from './wait-queue.ts'

export interface DispatcherOptions<C extends PoolConnection> {
  /** The pool's name, for errors. */
  name: string
  pool: PoolOptions
  supply: Supply<C>
  counters: PoolCounters
  status: () => PoolStatus
  /** Where each connection that is held exclusively was taken. */
  callSites: () => string[]
  onEvent: (type: PoolEventType, error?: unknown, detail?: string) => void
  now: () => number
}

export interface CheckoutOptions<C> {
  /** Longest time in ms for all of it: queue, ping and connect. Infinity: no bound but the signal. Default checkoutTimeoutMs (30 000). */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** The lease inside which the caller was started, if any: while it is held its wait is checked for a deadlock. */
  holder?: ExclusiveLease<C> | undefined
}

/**
 * Who gets a connection, and when.
 *
 * Two invariants: nobody is served before the head of the queue, and everything that may free a connection ends in
 * `serve()`, the only place where the queue is served.
 */
export class Dispatcher<C extends PoolConnection> {
  readonly queue: WaitQueue<Slot<C>>
  /** How long those waited in the queue that were served. */
  readonly waits = new Histogram()
  readonly #options: DispatcherOptions<C>
  #isClosed = false

  constructor(options: DispatcherOptions<C>) {
    this.#options = options
    this.queue = new WaitQueue<Slot<C>>(
      { expired: (waiter) => this.#expired(waiter), aborted: (waiter) => this.#aborted(waiter) },
      options.now,
    )
  }

  /** Takes what can be handed out at once; null when there is nothing, or others wait already. */
  tryTake(kind: LeaseKind, now: number): Slot<C> | null {
    if (this.queue.length > 0 || this.#isClosed) return null
    const slot = this.#ready(kind, now)
    if (slot) this.#use(slot, kind, now)
    return slot
  }

  /** Takes a connection, or room on one, waiting in the queue if need be; throws as `QueuePool.checkout()` does. */
  async take(kind: LeaseKind, options: CheckoutOptions<C>): Promise<Slot<C>> {
    const { holder, signal } = options
    const { name, pool, supply, counters, status, callSites, now } = this.#options
    if (this.#isClosed) throw new PoolClosedError(name)
    if (signal?.aborted) {
      if (!deadlineOf(signal)) counters.cancels++
      throw abortedError(signal)
    }
    const ready = this.tryTake(kind, now())
    if (ready) return ready
    if (this.queue.length >= pool.maxWaiting && !this.#canBeServed()) {
      counters.saturations++
      throw this.#reported('saturated', new PoolSaturatedError(status(), this.#retryAfterMs()))
    }
    if (!holder || holder.ended) return this.#wait(kind, options)
    holder.nestedWaits++
    try {
      if (supply.isDeadlocked)
        throw this.#reported('nested-checkout', new NestedCheckoutError(status(), callSites()))
      return await this.#wait(kind, options)
    } finally {
      holder.nestedWaits--
    }
  }

  /** Serves the queue from its head while there is something to serve it with, then has made what the rest needs. */
  serve(): void {
    const { supply, now: clock } = this.#options
    for (let waiter = this.queue.head; waiter; waiter = this.queue.head) {
      const now = clock()
      const slot = this.#ready(waiter.kind, now)
      if (!slot) break
      this.queue.remove(waiter)
      this.#use(slot, waiter.kind, now)
      this.waits.record(now - waiter.since)
      waiter.resolve(slot)
    }
    if (this.queue.length > 0) supply.request(this.#demand())
  }

  /** How many connections could be in use now: those used within `recentMs`, and those that callers would take if there were more. */
  demand(recentMs: number): number {
    const { supply, pool, now } = this.#options
    const usedAfter = now() - recentMs
    let used = 0
    let callers = this.queue.length
    for (const { state, since, shares } of supply.slots) {
      if (state === 'connecting') continue
      if (state !== 'idle' || since > usedAfter) used++
      callers += state === 'exclusive' ? 1 : shares
    }
    const wanted = this.queue.length > 0 ? supply.slots.leased + this.#demand() : 0
    return Math.min(supply.most, Math.max(used, wanted, Math.min(callers, pool.poolSize)))
  }

  /** Refuses new callers from now on; those in the queue stay there. */
  stop(): void {
    this.#isClosed = true
  }

  /** Whether a caller that joins the queue now is not behind others, and what it needs only has to be pinged or opened. */
  #canBeServed(): boolean {
    const { supply } = this.#options
    return supply.canGrow() || (this.queue.length === 0 && supply.slots.count.idle > 0)
  }

  async #wait(kind: LeaseKind, { timeoutMs, signal }: CheckoutOptions<C>): Promise<Slot<C>> {
    const { pool, counters, status, onEvent, now } = this.#options
    counters.waits++
    const since = now()
    const limit: TimeLimit =
      timeoutMs === undefined
        ? { owner: 'pool', timeoutMs: pool.checkoutTimeoutMs }
        : { owner: 'call', timeoutMs }
    const served = this.queue.join(kind, limit, signal)
    this.serve()
    try {
      return await served
    } finally {
      const waitedMs = now() - since
      counters.waitMs += waitedMs
      if (pool.slowCheckoutMs > 0 && waitedMs >= pool.slowCheckoutMs) {
        const detail = `waited ${Math.round(waitedMs)} ms; ${describeStatus(status())}`
        onEvent('checkout-slow', undefined, detail)
      }
    }
  }

  /**
   * What can be handed out now. A single statement goes to an idle connection; to none while another may be opened below
   * poolSize or is being opened for it; then behind others, on the least loaded connection.
   */
  #ready(kind: LeaseKind, now: number): Slot<C> | null {
    const { supply, pool } = this.#options
    const fresh = supply.fresh(now)
    if (fresh || kind !== 'shared') return fresh
    const { slots, backoff, attempts } = supply
    if (slots.count.idle > 0) return null
    // Each connection on its way will take one: a caller that goes behind others instead leaves it without work.
    const wanted = Math.max(1, this.queue.length)
    const isBelowSize = slots.size < pool.poolSize
    const isComing = (isBelowSize && slots.size < supply.limit) || wanted <= attempts.arriving
    if (isComing && !backoff.failing) return null
    if (isBelowSize) supply.miss()
    return supply.leastLoaded(now)
  }

  /** Connections that the queue could use: one a caller up to poolSize, beyond it as few as can serve it. */
  #demand(): number {
    const { supply, pool } = this.#options
    const { length, separate } = this.queue
    if (supply.slots.size < pool.poolSize || supply.slots.count.idle > 0) return length
    return separate + Math.ceil((length - separate) / pool.sharedDepth)
  }

  #use(slot: Slot<C>, kind: LeaseKind, now: number): void {
    this.#options.counters.checkouts++
    if (slot.state === 'idle') this.#options.supply.take(slot, kind, now)
    if (kind !== 'exclusive') slot.shares++
  }

  #expired(waiter: Waiter<Slot<C>>): void {
    waiter.reject(this.#outOfTime(waiter, waiter.limit))
    this.serve()
  }

  #aborted(waiter: Waiter<Slot<C>>): void {
    const limit = deadlineOf(waiter.signal)
    if (limit) waiter.reject(this.#outOfTime(waiter, limit))
    else {
      this.#options.counters.cancels++
      waiter.reject(abortedError(waiter.signal))
    }
    // The next in the queue may be of the kind that can be served now.
    this.serve()
  }

  /** What a deadline that passed in the queue is, no matter who set it: the pool was exhausted, or the server gave no connection. */
  #outOfTime(waiter: Waiter<Slot<C>>, limit: TimeLimit): DatabaseError {
    const { name, supply, counters, status, now } = this.#options
    const waitedMs = now() - waiter.since
    const { slots, limit: capacity, backoff } = supply
    const { pinging, connecting } = slots.count
    const failure = backoff.lastFailureSince(waiter.since)?.error
    // Not exhausted: there was room for one more connection, and the server did not give it.
    if (slots.leased - pinging < capacity && (failure || connecting + pinging > 0))
      return noConnection(name, limit, waitedMs, failure)
    counters.timeouts++
    const { owner, timeoutMs } = limit
    const error = new CheckoutTimeoutError(timeoutMs, status(), { owner, waitedMs, cause: failure })
    return this.#reported('checkout-timeout', error)
  }

  #reported<E extends Error>(type: PoolEventType, error: E): E {
    this.#options.onEvent(type, error)
    return error
  }

  /** What the wait has cost the head of the queue so far is the best guess of what it costs next. */
  #retryAfterMs(): number {
    const { head } = this.queue
    return Math.max(100, head ? this.#options.now() - head.since : 0)
  }
}
