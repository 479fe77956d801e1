import type { Slot, SlotState } from './slot.ts'

/** The slots of a pool that are not closed, in the order in which they were opened, and how many are in each state. */
export class Slots<C> implements Iterable<Slot<C>> {
  readonly count: Record<SlotState, number> = {
    connecting: 0,
    idle: 0,
    pinging: 0,
    shared: 0,
    alone: 0,
    exclusive: 0,
    closed: 0,
  }
  readonly #all = new Set<Slot<C>>()

  get size(): number {
    return this.#all.size
  }

  /** Connections in use, those being pinged included. */
  get leased(): number {
    const { pinging, shared, alone, exclusive } = this.count
    return pinging + shared + alone + exclusive
  }

  /** Since when the connection that is in use for the longest time is; null when none is. */
  get oldestLease(): number | null {
    let oldest: number | null = null
    for (const { state, since } of this.#all)
      if (state !== 'idle' && state !== 'connecting' && (oldest === null || since < oldest)) oldest = since
    return oldest
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
    this.count[slot.state]++
  }

  /** The only place where a slot changes its state. */
  move(slot: Slot<C>, to: SlotState, now: number): void {
    this.count[slot.state]--
    this.count[to]++
    slot.state = to
    slot.since = now
    if (to === 'closed') this.#all.delete(slot)
  }
}
