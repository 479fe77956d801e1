import { describePlace } from './place.ts'
import type { Slot } from './slot.ts'

export interface LeaseWatchOptions<C> {
  /** How long in ms an exclusive lease may be held before it is reported. */
  leakAfterMs: number
  slots: () => Iterable<Slot<C>>
  now: () => number
  /** Called once a lease. */
  onLeak: (heldMs: number, place: string) => void
}

/**
 * Reports exclusive leases that are held for too long, once each, with where they were taken: most often an await on
 * something that is not the database, inside a transaction. HikariCP's leakDetectionThreshold does the same.
 */
export class LeaseWatch<C> {
  readonly #options: LeaseWatchOptions<C>
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(options: LeaseWatchOptions<C>) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(() => this.check(), Math.min(this.#options.leakAfterMs / 4, 5_000))
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  check(): void {
    const { leakAfterMs, now, onLeak, slots } = this.#options
    for (const slot of slots()) {
      const heldMs = now() - slot.leasedAt
      if (slot.state !== 'leased' || !slot.place || slot.isReported || heldMs < leakAfterMs) continue
      slot.isReported = true
      onLeak(heldMs, describePlace(slot.place))
    }
  }
}
