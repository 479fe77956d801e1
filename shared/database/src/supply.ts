import { startTimer } from './deadline.ts'
import { ConnectError } from './errors.ts'
import { Fitness } from './fitness.ts'
import { Histogram } from './histogram.ts'
import { IdleWatch } from './idle-watch.ts'
import type { DatabaseEventType } from './monitor.ts'
import type { PoolOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { type Connector, connectingSlot, type PoolConnection, type Slot, type SlotState } from './slot.ts'
import type { CloseReason, PoolCounters } from './status.ts'

export interface SupplyOptions<C> {
  pool: PoolOptions
  connectTimeoutMs: number
  connect: Connector<C>
  counters: PoolCounters
  onEvent: (type: DatabaseEventType, error?: unknown) => void
  now: () => number
  random: () => number
  /** Whether somebody waits for a connection. */
  isWanted: () => boolean
  /** Called after everything that may have made a connection available or made room for one. */
  onChange: () => void
  /**
   * Called when no connection is left and waiting for one is pointless: the server refuses for a reason that time can't
   * mend, or an attempt failed that began when it had been failing for connectTimeoutMs.
   */
  onRefused: (error: unknown) => void
}

// A spike is over before a burst of connects is: the warm connections serve most of it (HikariCP's SpikeLoadTest).
const mostOverflowConnects = 2

/**
 * A pool's connections: how they come, are checked and go. Who gets them is QueuePool's business.
 *
 * Pings and connects are made for the pool, never for one caller: whoever is first in line takes what is ready first.
 */
export class Supply<C extends PoolConnection> {
  /** Most connections there may be. */
  readonly limit: number
  readonly count: Record<Exclude<SlotState, 'closed'>, number> = { connecting: 0, idle: 0, leased: 0 }
  readonly slots = new Set<Slot<C>>()
  /** How long connects took. */
  readonly creates = new Histogram()
  readonly pacer: Pacer
  /** Connections being pinged. They count as leased. */
  pinging = 0
  readonly #options: SupplyOptions<C>
  readonly #poolSize: number
  readonly #fitness: Fitness<C>
  /** A stack: the connection used last is taken first, so that those at the bottom can age out. */
  readonly #idle: Slot<C>[] = []
  readonly #idleWatch: IdleWatch<C>
  /** Said goodbye to, and maybe still held by the server: they count against the limit only. */
  readonly #closing = new Set<Promise<void>>()
  readonly #abortConnects = new AbortController()
  #stopped = false
  #onEmpty: (() => void) | null = null

  constructor(options: SupplyOptions<C>) {
    this.#options = options
    const { poolSize, maxOverflow, prePing, prePingIdleMs, idleTimeoutMs } = options.pool
    this.#poolSize = poolSize
    this.#fitness = new Fitness(options.now, prePing ? prePingIdleMs : Number.POSITIVE_INFINITY)
    this.#idleWatch = new IdleWatch({
      idle: this.#idle,
      idleTimeoutMs,
      now: options.now,
      onOld: (slot) => this.close(slot, 'idle'),
    })
    this.limit = maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
    this.pacer = new Pacer({ now: options.now, random: options.random, wake: options.onChange })
  }

  /** The idle connection used last, if it may be handed out as it is. Retired ones met on the way are closed. */
  fresh(now: number): Slot<C> | null {
    for (let place = this.#idle.length - 1; place >= 0; place--) {
      const slot = this.#idle[place]
      if (!slot) continue
      const reason = this.#fitness.retirement(slot, now)
      if (reason) this.close(slot, reason)
      else if (!this.#fitness.needsPing(slot, now)) return slot
    }
    return null
  }

  /** The connection with the fewest statements under way that has room for one more, the first of them not slow, and no suspicion on it. */
  leastLoaded(now: number): Slot<C> | null {
    const { sharedDepth, slowStatementMs } = this.#options.pool
    let best: Slot<C> | null = null
    for (const slot of this.slots) {
      if (slot.shares === 0 || slot.shares >= sharedDepth || (best && slot.shares >= best.shares)) continue
      if (slot.isAlone || now - slot.busySince > slowStatementMs || this.#fitness.isSuspect(slot)) continue
      if (!(slot.connection as C).sharable) continue
      if (!this.#fitness.retirement(slot, now)) best = slot
    }
    return best
  }

  /** Pings idle connections and opens new ones until `demand` of them are on their way, or no more may be. */
  raise(demand: number): void {
    while (this.pinging + this.count.connecting < demand) {
      const stale = this.#idle.at(-1)
      if (stale) this.#ping(stale)
      else if (this.canGrow()) this.#open()
      else return
    }
  }

  /** Whether a connection may be opened now: there is room, and the server is not failing. */
  canGrow(): boolean {
    const size = this.slots.size + this.#closing.size
    if (this.#stopped || size >= this.limit) return false
    if (size >= this.#poolSize && this.count.connecting >= mostOverflowConnects) return false
    return this.pacer.ready(this.count.connecting)
  }

  /** Marks an idle connection as in use. */
  lease(slot: Slot<C>, now: number): void {
    this.#takeFromIdle(slot)
    this.count.leased++
    slot.state = 'leased'
    slot.leasedAt = now
    slot.busySince = now
  }

  /** Takes back a connection that nobody uses any more; it is closed if retired, or one too many that nobody waits for. */
  release(slot: Slot<C>, now: number): void {
    if (slot.state !== 'leased') return
    slot.exclusive = false
    this.#rest(slot, now)
  }

  /** Retires every connection made before `before`: idle ones now, those in use when they come back. */
  invalidate(before: number): void {
    this.#options.counters.invalidations++
    this.#fitness.invalidate(before)
    this.#options.onEvent('invalidated')
    for (const slot of [...this.#idle]) if (this.#fitness.isInvalidated(slot)) this.close(slot, 'invalidated')
  }

  /** Says goodbye to a connection. */
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
    this.#fitness.end()
    this.pacer.stop()
    this.#idleWatch.stop()
    this.#abortConnects.abort(cause)
    for (const slot of [...this.#idle]) this.close(slot, 'shutdown')
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
    // Neither a goodbye nor a cut takes longer than a second or two: the bound is the connection's own.
    await Promise.all(this.#closing)
  }

  #ping(slot: Slot<C>): void {
    const { counters, now, onEvent, pool, onChange } = this.#options
    const startedAt = now()
    this.lease(slot, startedAt)
    slot.exclusive = true
    this.pinging++
    counters.pings++
    ;(slot.connection as C).ping(pool.prePingTimeoutMs).then(
      () => {
        this.pinging--
        slot.exclusive = false
        this.#offer(slot)
      },
      (error: unknown) => {
        this.pinging--
        counters.pingFailures++
        onEvent('ping-failed', error)
        this.destroy(slot, 'ping-failed')
        // One storm invalidates once: whoever is retired already proves nothing new.
        if (!this.#fitness.isInvalidated(slot)) this.invalidate(startedAt)
        onChange()
      },
    )
  }

  #open(): void {
    const { connect, connectTimeoutMs, counters, now, onChange, pool, random } = this.#options
    const createdAt = now()
    const slot = connectingSlot<C>(createdAt, createdAt + pool.recycleMs * (1 - random() * 0.1))
    this.slots.add(slot)
    this.count.connecting++
    const onLost = (cause: unknown) => this.#lost(slot, cause)
    connect({ timeoutMs: connectTimeoutMs, signal: this.#abortConnects.signal, onLost }).then(
      (connection) => {
        counters.connects++
        this.creates.record(now() - createdAt)
        this.pacer.succeeded()
        slot.connection = connection
        if (slot.state === 'closed') {
          counters.closes.shutdown++
          void connection.destroy()
        } else this.#offer(slot)
      },
      (error: unknown) => {
        this.#forget(slot)
        if (!this.#stopped) this.#refused(error, createdAt)
        onChange()
      },
    )
  }

  #refused(error: unknown, startedAt: number): void {
    this.#options.counters.connectFailures++
    this.pacer.failed(error, startedAt)
    this.#options.onEvent('connect-failed', error)
    if (this.count.idle + this.count.leased > 0) return
    const final = error instanceof ConnectError && !error.retryable
    // An attempt begun in time is waited for: one that meets silence takes as long as the whole bound.
    if (final || this.pacer.failingForMs(startedAt) >= this.#options.connectTimeoutMs)
      this.#options.onRefused(error)
  }

  #lost(slot: Slot<C>, cause: unknown): void {
    if (slot.state === 'closed') return
    this.#options.counters.closes.lost++
    this.#options.onEvent('connection-lost', cause)
    this.#forget(slot)
    // What took this one may have taken the others: ask each before it is handed out again.
    if (this.#options.pool.prePing) this.#fitness.suspectAll()
    else this.invalidate(this.#options.now())
    this.#options.onChange()
  }

  /** Puts a connection that has just answered before the line; it needs no ping if it is taken now. */
  #offer(slot: Slot<C>): void {
    slot.verified = true
    if (slot.state !== 'closed') this.#rest(slot, this.#options.now())
    this.#options.onChange()
    slot.verified = false
  }

  #rest(slot: Slot<C>, now: number): void {
    const reason = this.#fitness.retirement(slot, now)
    if (reason || (this.#idle.length >= this.#poolSize && !this.#options.isWanted())) {
      this.close(slot, reason ?? 'overflow')
      return
    }
    if (slot.state === 'leased') this.count.leased--
    else this.count.connecting--
    this.count.idle++
    slot.state = 'idle'
    slot.idleSince = now
    this.#idle.push(slot)
    this.#idleWatch.start()
  }

  #takeFromIdle(slot: Slot<C>): void {
    // Who takes one takes the top of the stack.
    if (this.#idle[this.#idle.length - 1] === slot) this.#idle.pop()
    else this.#idle.splice(this.#idle.lastIndexOf(slot), 1)
    this.count.idle--
  }

  #forget(slot: Slot<C>): void {
    if (slot.state === 'closed') return
    if (slot.state === 'idle') this.#takeFromIdle(slot)
    else this.count[slot.state]--
    slot.state = 'closed'
    this.slots.delete(slot)
    if (this.slots.size === 0) this.#onEmpty?.()
  }
}
