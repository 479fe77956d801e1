import type { Lease, ResetMode, Slot } from './slot.ts'

/** An exclusive hold on a slot of the pool, which ends once. */
export class PoolLease<C> implements Lease<C> {
  readonly slot: Slot<C>
  readonly connection: C
  readonly #checkin: (slot: Slot<C>, reset: ResetMode | 'none') => Promise<void>
  #ended: Promise<void> | null = null

  constructor(slot: Slot<C>, checkin: (slot: Slot<C>, reset: ResetMode | 'none') => Promise<void>) {
    this.slot = slot
    this.connection = slot.connection as C
    this.#checkin = checkin
  }

  get ended(): boolean {
    return this.#ended !== null
  }

  checkin(options?: { reset?: ResetMode | 'none' }): Promise<void> {
    this.#ended ??= this.#checkin(this.slot, options?.reset ?? 'none')
    return this.#ended
  }
}
