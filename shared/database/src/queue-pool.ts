import {
  CheckoutAbortedError,
  CheckoutTimeoutError,
  ConnectError,
  NestedCheckoutError,
  PoolClosedError,
  PoolSaturatedError,
} from './errors.ts'
import type { DatabaseEventType } from './monitor.ts'
import type { PoolOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import type { Connector, Lease, PoolConnection, ResetMode, Slot, SlotState } from './slot.ts'
import { type CloseReason, createCounters, type PoolStatus } from './status.ts'
import { type Waiter, WaitLine } from './wait-line.ts'

export interface QueuePoolOptions<C> {
  name: string
  pool: PoolOptions
  connectTimeoutMs: number
  connect: Connector<C>
  onEvent?: (type: DatabaseEventType, error?: unknown) => void
  /** Monotonic clock in ms. Default performance.now. */
  now?: () => number
  /** For jitter, 0 to 1. Default Math.random. */
  random?: () => number
}

export interface CheckoutOptions {
  /** Longest time in ms for all of it: line, ping and connect. Default checkoutTimeoutMs. */
  timeoutMs?: number
  signal?: AbortSignal
}

/**
 * SQLAlchemy's QueuePool for anything that can connect, ping, reset and close: `poolSize` kept and `maxOverflow` extra,
 * one FIFO line, exclusive leases and shared ones.
 *
 * Two invariants: nobody is served past the head of the line; and every event that may free a connection ends in
 * `#serve()`, the only place where the line is served and the pool grows. A caller in line never owns a ping or a
 * connect: both are made for the pool, and whoever is at the head takes what comes first.
 */
export class QueuePool<C extends PoolConnection> {
  readonly #name: string
  readonly #options: PoolOptions
  readonly #limit: number
  readonly #connectTimeoutMs: number
  readonly #connect: Connector<C>
  readonly #onEvent: (type: DatabaseEventType, error?: unknown) => void
  readonly #now: () => number
  readonly #random: () => number
  readonly #slots = new Set<Slot<C>>()
  /** A stack: the connection used last is taken first, so that those at the bottom can age out. */
  readonly #idle: Slot<C>[] = []
  readonly #line: WaitLine<Slot<C>>
  readonly #count: Record<Exclude<SlotState, 'closed'>, number> = { connecting: 0, idle: 0, leased: 0 }
  readonly #counters = createCounters()
  readonly #pacer: Pacer
  readonly #abortConnects = new AbortController()
  /** Connections being pinged for the line. They count as leased. */
  #pinging = 0
  /** Said goodbye, and the server may still hold them: they count against the limit, not in the status. */
  readonly #closing = new Set<Promise<void>>()
  /** Connections made before this are retired. */
  #retiredBefore = Number.NEGATIVE_INFINITY
  /** Connections that last spoke before this are pinged whatever the window says. */
  #suspectBefore = Number.NEGATIVE_INFINITY
  #idleTimer: ReturnType<typeof setTimeout> | null = null
  #closed: Promise<void> | null = null
  #drained: (() => void) | null = null

  constructor(options: QueuePoolOptions<C>) {
    this.#name = options.name
    this.#options = options.pool
    this.#limit =
      options.pool.maxOverflow < 0
        ? Number.POSITIVE_INFINITY
        : options.pool.poolSize + options.pool.maxOverflow
    this.#connectTimeoutMs = options.connectTimeoutMs
    this.#connect = options.connect
    this.#onEvent = options.onEvent ?? (() => {})
    this.#now = options.now ?? (() => performance.now())
    this.#random = options.random ?? Math.random
    this.#pacer = new Pacer({ now: this.#now, random: this.#random, wake: () => this.#serve() })
    this.#line = new WaitLine<Slot<C>>(
      { expired: (waiter) => this.#expired(waiter), aborted: (waiter) => this.#aborted(waiter) },
      this.#now,
    )
  }

  /**
   * Takes a connection for one caller alone: an idle one that is fresh or answers a ping, else a new one while below
   * poolSize + maxOverflow, else the first to come free after the callers already in line.
   *
   * @param options.holder The lease inside which the caller runs, if any: its wait is checked for a deadlock.
   * @returns A lease; end it once with `checkin()`.
   * @throws {CheckoutTimeoutError} every connection stayed out for the whole time.
   * @throws {ConnectError} the server refused or did not answer; `cause` is the last failure.
   * @throws {PoolSaturatedError} the line is full. {@link NestedCheckoutError}, {@link CheckoutAbortedError}, {@link PoolClosedError}.
   * @see SQLAlchemy QueuePool, lib/sqlalchemy/pool/impl.py `_do_get`
   */
  async checkout(options: CheckoutOptions & { holder?: Slot<C> | undefined } = {}): Promise<Lease<C>> {
    const slot =
      this.#line.length === 0 && !this.#closed && !options.signal?.aborted ? this.#freshIdle() : null
    if (slot) this.#lease(slot, true)
    return this.#createLease(slot ?? (await this.#wait('exclusive', options)))
  }

  /**
   * Takes a place on a warm connection for one autocommit statement, without waiting; null when there is none and the
   * caller must go through `share()`. Give it back with `unshare()`.
   */
  tryShare(): Slot<C> | null {
    if (this.#line.length > 0 || this.#closed) return null
    const slot = this.#slotToShare()
    if (slot) this.#lease(slot, false)
    return slot
  }

  /** Takes a place for one autocommit statement as `tryShare()` does, waiting in line for it; throws as `checkout()` does. */
  share(options: CheckoutOptions & { holder?: Slot<C> | undefined } = {}): Promise<Slot<C>> {
    return this.#wait('shared', options)
  }

  /** Ends a shared lease. */
  unshare(slot: Slot<C>): void {
    slot.shares--
    if (slot.state === 'closed') return
    const now = this.#now()
    slot.busySince = now
    if (slot.shares === 0) this.#release(slot, now)
    else if (this.#line.length > 0) this.#serve()
  }

  /** Retires every connection made until now: idle ones at once, those in use when they come back. */
  invalidate(): void {
    this.#invalidate(this.#now())
  }

  /** One consistent snapshot of the pool. */
  status(): PoolStatus {
    const now = this.#now()
    let leasedAt = Number.POSITIVE_INFINITY
    for (const slot of this.#slots) if (slot.state === 'leased') leasedAt = Math.min(leasedAt, slot.leasedAt)
    const { connecting, idle, leased } = this.#count
    const total = connecting + idle + leased
    return {
      name: this.#name,
      poolSize: this.#options.poolSize,
      maxOverflow: this.#options.maxOverflow,
      total,
      idle,
      checkedOut: leased,
      overflow: Math.max(0, total - this.#options.poolSize),
      connecting,
      waiting: this.#line.length,
      oldestLeaseMs: leased > 0 ? now - leasedAt : null,
      longestWaitMs: this.#line.head ? now - this.#line.head.since : null,
      counters: { ...this.#counters, closes: { ...this.#counters.closes } },
    }
  }

  /**
   * Refuses new checkouts and rejects those in line, waits for the leases that are out, and closes every connection.
   * What is still out after `timeoutMs` is cancelled and cut. Always settles; later calls return the same promise.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#drain(options.timeoutMs ?? 5_000)
    return this.#closed
  }

  async #drain(timeoutMs: number): Promise<void> {
    // Nothing of this may run before `#closed` is set: a waiter rejected here may come straight back.
    await null
    this.#pacer.stop()
    if (this.#idleTimer) clearTimeout(this.#idleTimer)
    this.#line.rejectAll(new PoolClosedError(this.#name))
    this.#abortConnects.abort(new PoolClosedError(this.#name))
    for (const slot of [...this.#idle]) this.#close(slot, 'shutdown')
    if (this.#slots.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#drained = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const slot of [...this.#slots]) this.#destroy(slot, 'shutdown')
    }
    // The bound is the connections' own: neither a goodbye nor a cut takes longer than a second or two.
    await Promise.all(this.#closing)
  }

  #wait(
    kind: Waiter<C>['kind'],
    options: CheckoutOptions & { holder?: Slot<C> | undefined },
  ): Promise<Slot<C>> {
    if (this.#closed) return Promise.reject(new PoolClosedError(this.#name))
    if (options.signal?.aborted) {
      this.#counters.cancels++
      return Promise.reject(new CheckoutAbortedError(options.signal.reason))
    }
    const free =
      this.#line.length === 0 ? (kind === 'shared' ? this.#slotToShare() : this.#freshIdle()) : null
    if (free) {
      this.#lease(free, kind === 'exclusive')
      return Promise.resolve(free)
    }
    if (this.#line.length >= this.#options.maxWaiting && !this.#canGrow()) {
      this.#counters.saturations++
      const error = new PoolSaturatedError(this.status(), this.#retryAfterMs())
      this.#onEvent('saturated', error)
      return Promise.reject(error)
    }
    const { holder } = options
    if (holder) {
      holder.nestedWaits++
      if (this.#deadlocked()) {
        holder.nestedWaits--
        const error = new NestedCheckoutError(this.status())
        this.#onEvent('nested-checkout', error)
        return Promise.reject(error)
      }
    }
    this.#counters.waits++
    const since = this.#now()
    const left = () => {
      this.#counters.waitMs += this.#now() - since
      if (holder) holder.nestedWaits--
    }
    const served = this.#line.join(kind, options.timeoutMs ?? this.#options.checkoutTimeoutMs, options.signal)
    served.then(left, left)
    this.#serve()
    return served
  }

  /** Serves the line from its head while there is something to serve it with, then makes what the rest needs. */
  #serve(): void {
    for (let waiter = this.#line.head; waiter; waiter = this.#line.head) {
      const slot = waiter.kind === 'shared' ? this.#slotToShare() : this.#freshIdle()
      if (!slot) break
      this.#line.remove(waiter)
      this.#lease(slot, waiter.kind === 'exclusive')
      waiter.resolve(slot)
    }
    while (this.#pinging + this.#count.connecting < this.#demand()) {
      const stale = this.#idle.at(-1)
      if (stale) this.#ping(stale)
      else if (this.#canGrow()) this.#open()
      else break
    }
  }

  /** Connections the line could use: one a caller below poolSize, beyond it as few as can serve it. */
  #demand(): number {
    if (this.#slots.size < this.#options.poolSize || this.#idle.length > 0) return this.#line.length
    const exclusive = this.#line.exclusive
    return exclusive + Math.ceil((this.#line.length - exclusive) / this.#options.sharedDepth)
  }

  /** The idle connection used last, if it may be handed out as it is. Retired ones met on the way are closed. */
  #freshIdle(): Slot<C> | null {
    const now = this.#now()
    for (let slot = this.#idle.at(-1); slot; slot = this.#idle.at(-1)) {
      const reason = this.#retirement(slot, now)
      if (!reason) return this.#needsPing(slot, now) ? null : slot
      this.#close(slot, reason)
    }
    return null
  }

  /**
   * Where a single statement goes: an idle connection; none while a new one may be opened below poolSize; the least
   * loaded one whose running statement is not slow. Callers see to it that nobody waits in line before it.
   */
  #slotToShare(): Slot<C> | null {
    const idle = this.#freshIdle()
    if (idle) return idle
    if (this.#idle.length > 0 || (this.#slots.size < this.#options.poolSize && !this.#pacer.failing))
      return null
    const now = this.#now()
    let best: Slot<C> | null = null
    for (const slot of this.#slots) {
      if (slot.shares === 0 || slot.shares >= this.#options.sharedDepth) continue
      if (best && slot.shares >= best.shares) continue
      if (now - slot.busySince > this.#options.slowStatementMs || this.#retirement(slot, now)) continue
      best = slot
    }
    return best
  }

  #lease(slot: Slot<C>, exclusive: boolean): void {
    this.#counters.checkouts++
    const now = this.#now()
    if (slot.state === 'idle') {
      this.#move(slot, 'leased')
      slot.leasedAt = now
      slot.busySince = now
    }
    slot.exclusive = exclusive
    if (!exclusive) slot.shares++
  }

  #createLease(slot: Slot<C>): Lease<C> {
    let ended: Promise<void> | null = null
    return {
      slot,
      connection: slot.connection as C,
      get ended() {
        return ended !== null
      },
      checkin: ({ reset = 'none' } = {}) => {
        ended ??= this.#checkin(slot, reset)
        return ended
      },
    }
  }

  async #checkin(slot: Slot<C>, reset: ResetMode | 'none'): Promise<void> {
    const connection = slot.connection as C
    if (slot.state === 'closed') return
    if (connection.inFlight > 0) return this.#destroy(slot, 'busy-at-checkin')
    if (reset !== 'none') {
      try {
        await connection.reset(reset, this.#options.prePingTimeoutMs)
      } catch (error) {
        this.#onEvent('reset-failed', error)
        return this.#destroy(slot, 'reset-failed')
      }
    }
    this.#release(slot, this.#now())
  }

  /** A connection that nobody uses any more goes to the idle stack, or is closed. */
  #release(slot: Slot<C>, now: number): void {
    if (slot.state !== 'leased') return
    slot.exclusive = false
    const reason = this.#closed ? 'shutdown' : this.#retirement(slot, now)
    const extra = this.#idle.length >= this.#options.poolSize && this.#line.length === 0
    if (reason || extra) {
      this.#close(slot, reason ?? 'overflow')
      return
    }
    this.#move(slot, 'idle')
    slot.idleSince = now
    this.#watchIdle(now)
    if (this.#line.length > 0) this.#serve()
  }

  #retirement(slot: Slot<C>, now: number): CloseReason | null {
    if (slot.createdAt < this.#retiredBefore) return 'invalidated'
    if (now >= slot.recycleAt) return 'recycled'
    return slot.connection?.worn ? 'worn' : null
  }

  #needsPing(slot: Slot<C>, now: number): boolean {
    if (!this.#options.prePing || !slot.connection) return false
    const { spokeAt } = slot.connection
    return spokeAt < this.#suspectBefore || now - spokeAt >= this.#options.prePingIdleMs
  }

  #ping(slot: Slot<C>): void {
    const startedAt = this.#now()
    this.#move(slot, 'leased')
    slot.leasedAt = startedAt
    slot.exclusive = true
    this.#pinging++
    this.#counters.pings++
    const done = () => {
      this.#pinging--
      slot.exclusive = false
    }
    slot.connection?.ping(this.#options.prePingTimeoutMs).then(
      () => {
        done()
        this.#release(slot, this.#now())
      },
      (error: unknown) => {
        done()
        this.#counters.pingFailures++
        this.#onEvent('ping-failed', error)
        this.#destroy(slot, 'ping-failed')
        if (slot.createdAt >= this.#retiredBefore) this.#invalidate(startedAt)
        this.#serve()
      },
    )
  }

  #canGrow(): boolean {
    if (this.#closed || this.#slots.size + this.#closing.size >= this.#limit) return false
    return this.#pacer.ready(this.#count.connecting)
  }

  #open(): void {
    const createdAt = this.#now()
    const { recycleMs } = this.#options
    const slot: Slot<C> = {
      state: 'connecting',
      connection: null,
      createdAt,
      recycleAt: createdAt + recycleMs * (1 - this.#random() * 0.1),
      idleSince: createdAt,
      leasedAt: 0,
      shares: 0,
      exclusive: false,
      busySince: 0,
      nestedWaits: 0,
    }
    this.#slots.add(slot)
    this.#count.connecting++
    const onLost = (cause: unknown) => this.#lost(slot, cause)
    this.#connect({ timeoutMs: this.#connectTimeoutMs, signal: this.#abortConnects.signal, onLost }).then(
      (connection) => {
        this.#counters.connects++
        this.#pacer.succeeded()
        slot.connection = connection
        if (slot.state === 'closed') return void connection.destroy()
        if (this.#closed) return this.#close(slot, 'shutdown')
        const now = this.#now()
        this.#move(slot, 'idle')
        slot.idleSince = now
        this.#watchIdle(now)
        this.#serve()
      },
      (error: unknown) => {
        if (slot.state === 'closed') return
        this.#move(slot, 'closed')
        if (this.#closed) return
        this.#counters.connectFailures++
        this.#pacer.failed(error)
        this.#onEvent('connect-failed', error)
        // With connections alive the line is still served; with none, a refusal that time can't mend ends the wait.
        if (
          error instanceof ConnectError &&
          !error.retryable &&
          this.#count.idle + this.#count.leased === 0
        ) {
          this.#line.rejectAll(error)
        }
        this.#serve()
      },
    )
  }

  #lost(slot: Slot<C>, cause: unknown): void {
    if (slot.state === 'closed') return
    this.#counters.closes.lost++
    this.#onEvent('connection-lost', cause)
    this.#move(slot, 'closed')
    // What took this one may have taken the others: ask each before it is handed out again.
    if (this.#options.prePing) this.#suspectBefore = this.#now()
    else this.#invalidate(this.#now())
    this.#serve()
  }

  #invalidate(before: number): void {
    this.#counters.invalidations++
    this.#retiredBefore = before
    this.#onEvent('invalidated')
    for (const slot of [...this.#idle]) if (slot.createdAt < before) this.#close(slot, 'invalidated')
  }

  #close(slot: Slot<C>, reason: CloseReason): void {
    this.#counters.closes[reason]++
    if (reason === 'recycled') this.#counters.recycles++
    const closing = (slot.connection as C).close().then(() => {
      this.#closing.delete(closing)
      this.#serve()
    })
    this.#closing.add(closing)
    this.#move(slot, 'closed')
  }

  #destroy(slot: Slot<C>, reason: CloseReason): void {
    if (slot.state === 'closed') return
    this.#counters.closes[reason]++
    this.#move(slot, 'closed')
    const cut = slot.connection?.destroy()
    if (cut && this.#closed) this.#closing.add(cut)
    this.#serve()
  }

  /** The only place where a slot changes its state. */
  #move(slot: Slot<C>, to: SlotState): void {
    if (slot.state === 'idle') this.#idle.splice(this.#idle.lastIndexOf(slot), 1)
    if (slot.state !== 'closed') this.#count[slot.state]--
    if (to !== 'closed') this.#count[to]++
    slot.state = to
    if (to === 'idle') this.#idle.push(slot)
    if (to !== 'closed') return
    this.#slots.delete(slot)
    if (this.#slots.size === 0) this.#drained?.()
  }

  /** One timer for all idle connections, set to the one at the bottom, which was used longest ago. */
  #watchIdle(now: number): void {
    const oldest = this.#idle[0]
    if (this.#idleTimer || !oldest || this.#closed) return
    const delay = oldest.idleSince + this.#options.idleTimeoutMs - now
    // A timer can't hold a longer delay; checking once a day is soon enough then.
    this.#idleTimer = setTimeout(() => this.#closeIdle(), Math.min(Math.max(1, Math.ceil(delay)), 86_400_000))
    this.#idleTimer.unref()
  }

  #closeIdle(): void {
    this.#idleTimer = null
    const now = this.#now()
    for (const slot of [...this.#idle]) {
      if (now - slot.idleSince >= this.#options.idleTimeoutMs) this.#close(slot, 'idle')
    }
    this.#watchIdle(now)
  }

  #expired(waiter: Waiter<Slot<C>>): void {
    const timeoutMs = waiter.deadline - waiter.since
    const failure = this.#pacer.lastFailureSince(waiter.since)
    if (
      this.#count.leased - this.#pinging < this.#limit &&
      (failure || this.#count.connecting + this.#pinging > 0)
    ) {
      // Not exhausted: there was room for one more connection and the server did not give it.
      const cause = failure?.error
      waiter.reject(
        new ConnectError(
          `Pool ${this.#name} got no connection from the server in ${Math.round(timeoutMs)} ms.`,
          {
            cause,
            sqlState: cause instanceof ConnectError ? cause.sqlState : null,
            driverCode: cause instanceof ConnectError ? cause.driverCode : null,
          },
        ),
      )
      return
    }
    this.#counters.timeouts++
    const error = new CheckoutTimeoutError(timeoutMs, this.status(), { cause: failure?.error })
    this.#onEvent('checkout-timeout', error)
    waiter.reject(error)
  }

  #aborted(waiter: Waiter<Slot<C>>): void {
    this.#counters.cancels++
    waiter.reject(new CheckoutAbortedError(waiter.signal?.reason))
    // The next in line may be of the kind that can be served now.
    this.#serve()
  }

  /** True when every connection there can be is held by a caller that itself waits for one. */
  #deadlocked(): boolean {
    if (this.#slots.size < this.#limit) return false
    for (const slot of this.#slots) if (!slot.exclusive || slot.nestedWaits === 0) return false
    return true
  }

  /** What the wait in a full line has cost so far is the best guess of what it costs next. */
  #retryAfterMs(): number {
    const head = this.#line.head
    return Math.max(100, head ? this.#now() - head.since : 0)
  }
}
