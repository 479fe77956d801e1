import type { PoolConnection, Slot } from './slot.ts'
import type { CloseReason } from './status.ts'

/** Which connections may be handed out as they are, which are asked first, and which are not any more. */
export class Fitness<C extends PoolConnection> {
  readonly #now: () => number
  readonly #pingAfterMs: number
  /** Connections made before this are retired. */
  #retiredBefore = Number.NEGATIVE_INFINITY
  /** Connections that last spoke before this are pinged whatever the window says. */
  #suspectBefore = Number.NEGATIVE_INFINITY

  /** @param pingAfterMs A connection that was silent for so long is pinged first; Infinity without pre-ping. */
  constructor(now: () => number, pingAfterMs: number) {
    this.#now = now
    this.#pingAfterMs = pingAfterMs
  }

  /** Why the connection is to be closed as soon as nobody uses it; null when it may live on. */
  retirement(slot: Slot<C>, now: number): CloseReason | null {
    if (slot.createdAt < this.#retiredBefore)
      return this.#retiredBefore === Number.POSITIVE_INFINITY ? 'shutdown' : 'invalidated'
    // One that has just come is handed out once, however long it took to come.
    if (now >= slot.recycleAt && !slot.verified) return 'recycled'
    return slot.connection?.worn ? 'worn' : null
  }

  /** Whether it was made before the last `invalidate()`, or at all before `end()`. */
  isInvalidated(slot: Slot<C>): boolean {
    return slot.createdAt < this.#retiredBefore
  }

  needsPing(slot: Slot<C>, now: number): boolean {
    if (slot.verified || !slot.connection) return false
    const { spokeAt } = slot.connection
    return now - spokeAt >= this.#pingAfterMs || spokeAt < this.#suspectBefore
  }

  isSuspect(slot: Slot<C>): boolean {
    return slot.connection !== null && slot.connection.spokeAt < this.#suspectBefore
  }

  /** Retires every connection made before `before`. */
  invalidate(before: number): void {
    this.#retiredBefore = Math.max(this.#retiredBefore, before)
  }

  /**
   * Has every connection asked before it is used again. Answers that had arrived before, and are only read in this turn of
   * the event loop, prove nothing.
   */
  suspectAll(): void {
    this.#suspectBefore = this.#now()
    setImmediate(() => {
      this.#suspectBefore = Math.max(this.#suspectBefore, this.#now())
    })
  }

  /** Retires every connection, whenever made. */
  end(): void {
    this.#retiredBefore = Number.POSITIVE_INFINITY
  }
}
