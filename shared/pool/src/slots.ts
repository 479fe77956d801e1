import type { Slot, SlotState } from './slot.ts'

/** The slots of a pool that are not closed, in the order in which they were opened, and how many are in some of the states. */
export class Slots<C> implements Iterable<Slot<C>> {
  readonly count = { connecting: 0, idle: 0, pinging: 0 }
  readonly #all = new Set<Slot<C>>()

  get size(): number {
    return this.#all.size
  }

  /** Connections in use, those being pinged included. */
  get leased(): number {
    return this.#all.size - this.count.idle - this.count.connecting
  }

  /** Since when the connection that is in use for the longest time is; null when none is. */
  get oldestLease(): number | null {
    let oldest: number | null = null
    for (const { state, since } of this.#all)
      if (state !== 'idle' && state !== 'connecting' && (oldest === null || since < oldest)) oldest = since
    return oldest
  }

  /** The single statements that are behind another one on its connection, and since when the slowest of those runs. */
  get crowd(): { behind: number; since: number | null } {
    let behind = 0
    let since: number | null = null
    for (const { shares, busySince } of this.#all) {
      if (shares < 2) continue
      behind += shares - 1
      if (since === null || busySince < since) since = busySince
    }
    return { behind, since }
  }

  /** Whether each of them is held by a caller that itself waits for a connection. */
  get areAllHeldByWaiters(): boolean {
    for (const { lease } of this.#all) if (!lease || lease.nestedWaits === 0) return false
    return true
  }

  [Symbol.iterator](): IterableIterator<Slot<C>> {
    return this.#all.values()
  }

  add(slot: Slot<C>): void {
    this.#all.add(slot)
    this.#count(slot.state, 1)
  }

  /** The only place where a slot changes its state. */
  move(slot: Slot<C>, to: SlotState, now: number): void {
    this.#count(slot.state, -1)
    this.#count(to, 1)
    slot.state = to
    slot.since = now
    if (to === 'closed') this.#all.delete(slot)
  }

  // By name, as this is the way of every statement, and a key that varies costs as much as all the rest.
  #count(state: SlotState, change: number): void {
    if (state === 'idle') this.count.idle += change
    else if (state === 'connecting') this.count.connecting += change
    else if (state === 'pinging') this.count.pinging += change
  }
}
