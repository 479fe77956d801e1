import type { Histogram } from './histogram.ts'
import type { DatabaseEventType } from './monitor.ts'
import type { PoolOptions } from './options.ts'
import { describePlace, hereIs, type Place } from './place.ts'
import type { Lease, PoolConnection, ResetMode, Slot } from './slot.ts'
import type { Supply } from './supply.ts'

export interface ExclusiveLeasesOptions<C extends PoolConnection> {
  pool: PoolOptions
  supply: Supply<C>
  /** How long leases were held. */
  uses: Histogram
  onEvent: (type: DatabaseEventType, error?: unknown, detail?: string) => void
  now: () => number
  /** Called when a connection has come back. */
  onFree: () => void
}

const done = Promise.resolve()

/** Hands a pool's connections to one caller alone, and takes them back. */
export class ExclusiveLeases<C extends PoolConnection> {
  readonly #options: ExclusiveLeasesOptions<C>

  constructor(options: ExclusiveLeasesOptions<C>) {
    this.#options = options
  }

  /** Where the caller is, for whoever holds a lease too long: it costs more than all the rest of a checkout. */
  here(): Place | null {
    return this.#options.pool.leakAfterMs > 0 ? hereIs() : null
  }

  /** A lease on a slot that is taken, at that place. */
  open(slot: Slot<C>, place: Place | null): Lease<C> {
    slot.place = place
    return new ExclusiveLease(slot, this.#checkin)
  }

  readonly #checkin = (slot: Slot<C>, reset: ResetMode | 'none'): Promise<void> => {
    const { supply, uses, onEvent } = this.#options
    const connection = slot.connection as C
    const now = this.#options.now()
    const heldMs = now - slot.leasedAt
    uses.record(heldMs)
    if (slot.isReported && slot.place) {
      const place = describePlace(slot.place)
      onEvent('lease-returned', undefined, `held for ${Math.round(heldMs)} ms, taken at ${place}`)
    }
    slot.place = null
    slot.isReported = false
    slot.nestedWaits = 0
    if (slot.state === 'closed') return done
    if (connection.inFlight > 0) supply.destroy(slot, 'busy-at-checkin')
    else if (reset !== 'none') return this.#reset(slot, reset)
    else this.#release(slot, now)
    return done
  }

  async #reset(slot: Slot<C>, how: ResetMode): Promise<void> {
    const { pool, supply, onEvent, now } = this.#options
    try {
      await (slot.connection as C).reset(how, pool.prePingTimeoutMs)
    } catch (error) {
      onEvent('reset-failed', error)
      supply.destroy(slot, 'reset-failed')
      return
    }
    this.#release(slot, now())
  }

  #release(slot: Slot<C>, now: number): void {
    this.#options.supply.release(slot, now)
    this.#options.onFree()
  }
}

class ExclusiveLease<C> implements Lease<C> {
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
