import { ConnectAttempts } from './connect-attempts.ts'
import { ConnectBackoff } from './connect-backoff.ts'
import { ConnectError, NoRoomError } from './errors.ts'
import { IdleConnections } from './idle-connections.ts'
import type { PoolOptions } from './pool-options.ts'
import { type Connector, connectingSlot, type LeaseKind, type PoolConnection, type Slot } from './slot.ts'
import { Slots } from './slots.ts'
import type { CloseReason, PoolCounters, PoolEventType } from './status.ts'
import { startTimer } from './timer.ts'

export interface SupplyOptions<C> {
  pool: PoolOptions
  connectTimeoutMs: number
  connect: Connector<C>
  counters: PoolCounters
  onEvent: (type: PoolEventType, error?: unknown) => void
  now: () => number
  random: () => number
  /** Whether somebody waits for a connection. */
  isWanted: () => boolean
  /** Called after everything that may have made a connection available or made room for one. */
  onChange: () => void
  /** Called when another connection is wanted and only the allowance stands in the way. */
  onShort: () => void
  /**
   * Called when no connection is left and waiting for one is pointless: the server refuses for a reason that time does
   * not remove, or an attempt failed that began when it had been failing for connectTimeoutMs, and no server is there that may
   * become the right one.
   */
  onRefused: (error: unknown) => void
}

// A spike is over before a burst of connects is: the warm connections serve most of it (HikariCP's SpikeLoadTest).
const mostOverflowConnects = 2

/**
 * A pool's connections: how they come, are checked and go. Who gets them is QueuePool's business.
 *
 * Pings and connects are made for the pool, never for one caller: the head of the queue takes what is ready first.
 */
export class Supply<C extends PoolConnection> {
  /** Most connections there may ever be. */
  readonly most: number
  /** Most connections there may be now: `most`, or fewer while fewer are allowed. */
  limit: number
  readonly slots = new Slots<C>()
  readonly backoff: ConnectBackoff
  readonly attempts: ConnectAttempts<C>
  readonly #options: SupplyOptions<C>
  readonly #poolSize: number
  readonly #idle: IdleConnections<C>
  /** Being closed in order, and maybe still held by the server: they count against the limit only. */
  readonly #closing = new Set<Promise<void>>()
  #stopped = false
  #onEmpty: (() => void) | null = null

  constructor(options: SupplyOptions<C>) {
    this.#options = options
    const { poolSize, maxOverflow, prePing, prePingIdleMs, idleTimeoutMs } = options.pool
    this.#poolSize = poolSize
    this.#idle = new IdleConnections<C>({
      idleTimeoutMs,
      pingAfterMs: prePing ? prePingIdleMs : Number.POSITIVE_INFINITY,
      now: options.now,
      onRetired: (slot, reason) => this.close(slot, reason),
    })
    this.most = maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
    this.limit = this.most
    this.backoff = new ConnectBackoff({ now: options.now, random: options.random, wake: options.onChange })
    this.attempts = new ConnectAttempts<C>({
      connect: options.connect,
      timeoutMs: options.connectTimeoutMs,
      backoff: this.backoff,
      counters: options.counters,
      now: options.now,
      onConnected: (slot, connection) => this.#connected(slot, connection),
      onFailed: (slot, error) => this.#refused(slot, error),
      onSilent: options.onChange,
    })
  }

  /** True when every connection there can be is held by a caller that itself waits for one. */
  get isDeadlocked(): boolean {
    return this.slots.size >= this.most && this.slots.areAllHeldByWaiters
  }

  /** What the server may hold: connections in whatever state, those being closed included. */
  get size(): number {
    return this.slots.size + this.#closing.size
  }

  /**
   * Sets the most connections there may be, as far as the pool's options go: idle ones beyond it are closed now, the one used
   * longest ago first, those in use as they come back.
   */
  allow(count: number): void {
    this.limit = Math.min(this.most, count)
    for (const slot of this.#idle.all()) {
      if (this.slots.size <= this.limit) break
      this.close(slot, 'ceiling')
    }
    this.#options.onChange()
  }

  /** Another connection would be of use. */
  miss(): void {
    if (this.limit < this.most && this.slots.size >= this.limit) this.#options.onShort()
  }

  /** The idle connection used last that may be handed out as it is. Retired ones met on the way are closed. */
  fresh(now: number): Slot<C> | null {
    return this.#idle.fresh(now)
  }

  /** The connection with the fewest statements under way that has room for one more, the first of them not slow, and no suspicion on it. */
  leastLoaded(now: number): Slot<C> | null {
    const { sharedDepth, slowStatementMs } = this.#options.pool
    let best: Slot<C> | null = null
    // So many have to leave, which they can't while statements keep coming.
    let leaving = this.slots.size - this.limit
    for (const slot of this.slots) {
      if (slot.state === 'shared' && leaving-- > 0) continue
      if (slot.state !== 'shared' || slot.shares >= sharedDepth || (best && slot.shares >= best.shares))
        continue
      if (now - slot.busySince > slowStatementMs || this.#idle.isSuspect(slot)) continue
      if (!(slot.connection as C).sharable) continue
      if (!this.#idle.retirement(slot, now)) best = slot
    }
    return best
  }

  /** Pings idle connections and opens new ones until `demand` of them are on their way, or no more may be. */
  request(demand: number): void {
    while (this.slots.count.pinging + this.attempts.arriving < demand) {
      const stale = this.#idle.top
      if (stale) this.#ping(stale)
      else if (this.canGrow()) this.#open()
      else {
        this.miss()
        return
      }
    }
  }

  /** Whether a connection may be opened now: there is room, or a silent attempt to make it, and the server is not failing. */
  canGrow(): boolean {
    const { arriving, expendable, silent } = this.attempts
    if (this.#stopped || this.size - (expendable ? 1 : 0) >= this.limit) return false
    if (this.size - silent >= this.#poolSize && arriving >= mostOverflowConnects) return false
    return this.attempts.mayBegin()
  }

  /** Takes an idle connection into use. */
  take(slot: Slot<C>, use: 'pinging' | LeaseKind, now: number): void {
    this.#idle.remove(slot)
    this.slots.move(slot, use, now)
    slot.busySince = now
  }

  /** Takes back a connection that nobody uses any more; it is closed if retired, or one too many that nobody waits for. */
  release(slot: Slot<C>, now: number): void {
    if (slot.state !== 'closed') this.#rest(slot, now)
  }

  /** Retires every connection made before `before`: idle ones now, those in use when they come back. */
  invalidate(before: number): void {
    this.#options.counters.invalidations++
    this.#options.onEvent('invalidated')
    this.#idle.invalidate(before)
  }

  /** Closes a connection in order. */
  close(slot: Slot<C>, reason: CloseReason): void {
    const { counters, onChange } = this.#options
    counters.closes[reason]++
    if (reason === 'recycled') counters.recycles++
    const closing = (slot.connection as C).close().then(() => {
      this.#closing.delete(closing)
      onChange()
    })
    this.#closing.add(closing)
    this.#forget(slot)
  }

  /** Cuts a connection that can't be trusted. */
  destroy(slot: Slot<C>, reason: CloseReason): void {
    if (slot.state === 'closed') return
    // An attempt that is given up was never a connection; if it still becomes one, it is counted then.
    if (slot.connection) this.#options.counters.closes[reason]++
    this.#forget(slot)
    const cut = slot.connection?.destroy()
    if (cut && this.#stopped) this.#closing.add(cut)
    this.#options.onChange()
  }

  /** Opens no more, closes idle connections now and those in use as they come back; after `timeoutMs` cuts the rest. */
  async drain(timeoutMs: number, cause: Error): Promise<void> {
    this.#stopped = true
    this.backoff.stop()
    this.attempts.abort(cause)
    this.#idle.stop()
    if (this.slots.size > 0) {
      await new Promise<void>((resolve) => {
        const stopTimer = startTimer(timeoutMs, resolve)
        this.#onEmpty = () => {
          stopTimer()
          resolve()
        }
      })
      for (const slot of [...this.slots]) this.destroy(slot, 'shutdown')
    }
    // None of these takes longer than a second or two: the bounds are their own.
    await Promise.all([...this.#closing, this.attempts.ended()])
  }

  #ping(slot: Slot<C>): void {
    const { counters, now, onEvent, pool, onChange } = this.#options
    const startedAt = now()
    this.take(slot, 'pinging', startedAt)
    counters.pings++
    ;(slot.connection as C).ping(pool.prePingTimeoutMs).then(
      () => this.#offer(slot),
      (error: unknown) => {
        counters.pingFailures++
        onEvent('ping-failed', error)
        this.destroy(slot, 'ping-failed')
        // One storm invalidates once: a connection that is retired already proves nothing new.
        if (!this.#idle.isInvalidated(slot)) this.invalidate(startedAt)
        onChange()
      },
    )
  }

  #open(): void {
    const { now, onEvent, pool, random } = this.#options
    const inTheWay = this.size >= this.limit ? this.attempts.expendable : null
    const givenUp = inTheWay && this.attempts.giveUp(inTheWay)
    if (inTheWay) this.#forget(inTheWay)
    const createdAt = now()
    const slot = connectingSlot<C>(createdAt, createdAt + pool.recycleMs * (1 - random() * 0.1))
    this.slots.add(slot)
    this.attempts.begin(slot, (cause) => this.#lost(slot, cause))
    if (givenUp) onEvent('connect-failed', givenUp)
  }

  #connected(slot: Slot<C>, connection: C): void | Promise<void> {
    slot.connection = connection
    if (slot.state !== 'closed') return this.#offer(slot)
    this.#options.counters.closes[this.#stopped ? 'shutdown' : 'overflow']++
    return connection.destroy()
  }

  #refused(slot: Slot<C>, error: unknown): void {
    this.#forget(slot)
    const { connectTimeoutMs, onChange, onEvent, onRefused } = this.#options
    if (!this.#stopped && !(error instanceof NoRoomError)) {
      onEvent('connect-failed', error)
      const { retryable = true, worthWaiting = false } = error instanceof ConnectError ? error : {}
      // An attempt begun in time is waited for: one that meets silence may take as long as the whole bound.
      const isTooLong = !worthWaiting && this.backoff.failingForMs(slot.createdAt) >= connectTimeoutMs
      const isHopeless = !retryable || isTooLong
      if (isHopeless && this.slots.count.idle + this.slots.leased === 0) onRefused(error)
    }
    onChange()
  }

  #lost(slot: Slot<C>, cause: unknown): void {
    if (slot.state === 'closed') return
    // An attempt that fails was never a connection.
    if (slot.connection) this.#options.counters.closes.lost++
    this.#options.onEvent('connection-lost', cause)
    this.#forget(slot)
    // What ended this one may have ended the others: each is pinged before it is handed out again.
    if (this.#options.pool.prePing) this.#idle.suspectAll()
    else this.invalidate(this.#options.now())
    this.#options.onChange()
  }

  /** Offers a connection that has just answered to the queue; it needs no ping if it is taken now. */
  #offer(slot: Slot<C>): void {
    this.#idle.offering(slot, () => {
      if (slot.state !== 'closed') this.#rest(slot, this.#options.now())
      this.#options.onChange()
    })
  }

  #rest(slot: Slot<C>, now: number): void {
    const reason = this.slots.size > this.limit ? 'ceiling' : this.#idle.retirement(slot, now)
    if (reason || (this.#idle.length >= this.#poolSize && !this.#options.isWanted())) {
      this.close(slot, reason ?? 'overflow')
      return
    }
    this.slots.move(slot, 'idle', now)
    this.#idle.push(slot)
  }

  #forget(slot: Slot<C>): void {
    if (slot.state === 'closed') return
    if (slot.state === 'idle') this.#idle.remove(slot)
    this.attempts.forget(slot)
    this.slots.move(slot, 'closed', slot.since)
    if (this.slots.size === 0) this.#onEmpty?.()
  }
}
