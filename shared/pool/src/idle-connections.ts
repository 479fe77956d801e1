import type { PoolConnection, Slot } from './slot.ts'
import type { CloseReason } from './status.ts'

export interface IdleConnectionsOptions<C> {
  /** An idle connection is closed when nobody has used it for this long, in ms. */
  idleTimeoutMs: number
  /** A connection that was silent for this long, in ms, is pinged before it is handed out; Infinity without pre-ping. */
  pingAfterMs: number
  now: () => number
  /** Called with each that must be closed; it must be removed. */
  onRetired: (slot: Slot<C>, reason: CloseReason) => void
}

/**
 * The idle connections of a pool, and the rules by which one is handed out as it is, pinged first, or closed.
 *
 * They are a stack: the connection used last is taken first, so that those at the bottom can age out.
 */
export class IdleConnections<C extends PoolConnection> {
  readonly #options: IdleConnectionsOptions<C>
  readonly #stack: Slot<C>[] = []
  /** Connections made before this are retired. */
  #retiredBefore = Number.NEGATIVE_INFINITY
  /** Connections that last answered before this are pinged however short their silence. */
  #suspectBefore = Number.NEGATIVE_INFINITY
  /** One that has just answered: it needs no ping, and is not too old, if it is taken now. */
  #verified: Slot<C> | null = null
  #timer: ReturnType<typeof setTimeout> | null = null
  #isStopped = false

  constructor(options: IdleConnectionsOptions<C>) {
    this.#options = options
  }

  get length(): number {
    return this.#stack.length
  }

  /** The one used last. */
  get top(): Slot<C> | undefined {
    return this.#stack.at(-1)
  }

  /** A copy, for work that removes some of them. */
  all(): Slot<C>[] {
    return [...this.#stack]
  }

  push(slot: Slot<C>): void {
    this.#stack.push(slot)
    if (this.#timer === null) this.#arm()
  }

  remove(slot: Slot<C>): void {
    // The one that is taken is nearly always at the top.
    if (this.#stack[this.#stack.length - 1] === slot) this.#stack.pop()
    else this.#stack.splice(this.#stack.lastIndexOf(slot), 1)
  }

  /** The connection used last that may be handed out as it is. Retired ones met on the way are closed. */
  fresh(now: number): Slot<C> | null {
    for (let index = this.#stack.length - 1; index >= 0; index--) {
      const slot = this.#stack[index]
      if (!slot) continue
      const reason = this.retirement(slot, now)
      if (reason) this.#options.onRetired(slot, reason)
      else if (!this.#needsPing(slot, now)) return slot
    }
    return null
  }

  /** Why a connection is to be closed as soon as nobody uses it; null when it may stay. */
  retirement(slot: Slot<C>, now: number): CloseReason | null {
    if (slot.createdAt < this.#retiredBefore) return this.#isStopped ? 'shutdown' : 'invalidated'
    // One that has just come is handed out once, however long it took to come.
    if (now >= slot.recycleAt && slot !== this.#verified) return 'recycled'
    return slot.connection?.shouldReplace ? 'replaced' : null
  }

  /** Whether it was made before the last `invalidate()`, or at all before `stop()`. */
  isInvalidated(slot: Slot<C>): boolean {
    return slot.createdAt < this.#retiredBefore
  }

  /** Whether something has happened since it last answered that may have ended it. */
  isSuspect({ connection }: Slot<C>): boolean {
    return connection !== null && connection.spokeAt < this.#suspectBefore
  }

  /** Retires every connection made before `before`; idle ones are closed now. */
  invalidate(before: number): void {
    this.#retiredBefore = Math.max(this.#retiredBefore, before)
    for (const slot of this.all()) if (this.isInvalidated(slot)) this.#options.onRetired(slot, 'invalidated')
  }

  /**
   * Has every connection pinged before it is used again. Answers that had arrived before, and are only read in this turn of
   * the event loop, prove nothing.
   */
  suspectAll(): void {
    const { now } = this.#options
    this.#suspectBefore = now()
    setImmediate(() => {
      this.#suspectBefore = Math.max(this.#suspectBefore, now())
    })
  }

  /** Runs `offer` while the connection counts as one that has just answered. */
  offering(slot: Slot<C>, offer: () => void): void {
    this.#verified = slot
    offer()
    this.#verified = null
  }

  /** Retires every connection, whenever made. */
  stop(): void {
    this.#isStopped = true
    this.#retiredBefore = Number.POSITIVE_INFINITY
    if (this.#timer) clearTimeout(this.#timer)
    for (const slot of this.all()) this.#options.onRetired(slot, 'shutdown')
  }

  #needsPing(slot: Slot<C>, now: number): boolean {
    if (slot === this.#verified || !slot.connection) return false
    return now - slot.connection.spokeAt >= this.#options.pingAfterMs || this.isSuspect(slot)
  }

  /** One timer for all of them, set to the one that was used longest ago. */
  #arm(): void {
    const { idleTimeoutMs, now } = this.#options
    const [oldest] = this.#stack
    if (!oldest || this.#isStopped) return
    const delayMs = oldest.since + idleTimeoutMs - now()
    // A timer can't hold an endless delay; looking once a day is soon enough then.
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(1, Math.ceil(delayMs)), 86_400_000))
    this.#timer.unref()
  }

  #expire(): void {
    const { idleTimeoutMs, now, onRetired } = this.#options
    const before = now() - idleTimeoutMs
    for (const slot of this.all()) if (slot.since <= before) onRetired(slot, 'idle')
    this.#timer = null
    this.#arm()
  }
}
