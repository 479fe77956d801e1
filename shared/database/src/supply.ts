import { ConnectAttempts } from './connect-attempts.ts'
import { ConnectError } from './errors.ts'
import { Fitness } from './fitness.ts'
import { IdleWatch } from './idle-watch.ts'
import type { DatabaseEventType } from './monitor.ts'
import type { PoolOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { type Connector, connectingSlot, type PoolConnection, type Slot, type SlotState } from './slot.ts'
import type { CloseReason, PoolCounters } from './status.ts'
import { startTimer } from './timer.ts'

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
  readonly pacer: Pacer
  readonly attempts: ConnectAttempts<C>
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
    this.attempts = new ConnectAttempts<C>({
      connect: options.connect,
      timeoutMs: options.connectTimeoutMs,
      pacer: this.pacer,
      counters: options.counters,
      now: options.now,
      onConnected: (slot, connection) => this.#connected(slot, connection),
      onFailed: (slot, error) => this.#refused(slot, error),
      onSilent: options.onChange,
    })
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
    while (this.pinging + this.attempts.arriving < demand) {
      const stale = this.#idle.at(-1)
      if (stale) this.#ping(stale)
      else if (this.canGrow()) this.#open()
      else return
    }
  }

  /** Whether a connection may be opened now: there is room, or a silent attempt to make it, and the server is not failing. */
  canGrow(): boolean {
    const { arriving, expendable, silent } = this.attempts
    if (this.#stopped || (this.#size >= this.limit && !expendable)) return false
    if (this.#size - silent >= this.#poolSize && arriving >= mostOverflowConnects) return false
    return this.attempts.mayBegin()
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
    this.attempts.abort(cause)
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
    // None of these takes longer than a second or two: the bounds are their own.
    await Promise.all([...this.#closing, this.attempts.ended()])
  }

  /** What counts against the limit. */
  get #size(): number {
    return this.slots.size + this.#closing.size
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
    const { now, onEvent, pool, random } = this.#options
    const inTheWay = this.#size >= this.limit ? this.attempts.expendable : null
    const givenUp = inTheWay && this.attempts.giveUp(inTheWay)
    if (inTheWay) this.#forget(inTheWay)
    const createdAt = now()
    const slot = connectingSlot<C>(createdAt, createdAt + pool.recycleMs * (1 - random() * 0.1))
    this.slots.add(slot)
    this.count.connecting++
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
    if (!this.#stopped) {
      onEvent('connect-failed', error)
      const final = error instanceof ConnectError && !error.retryable
      // An attempt begun in time is waited for: one that meets silence may take as long as the whole bound.
      const isHopeless = final || this.pacer.failingForMs(slot.createdAt) >= connectTimeoutMs
      if (isHopeless && this.count.idle + this.count.leased === 0) onRefused(error)
    }
    onChange()
  }

  #lost(slot: Slot<C>, cause: unknown): void {
    if (slot.state === 'closed') return
    // An attempt that fails was never a connection.
    if (slot.connection) this.#options.counters.closes.lost++
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
    this.attempts.forget(slot)
    slot.state = 'closed'
    this.slots.delete(slot)
    if (this.slots.size === 0) this.#onEmpty?.()
  }
}
