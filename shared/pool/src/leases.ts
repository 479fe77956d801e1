import { Histogram } from './histogram.ts'
import { callSite, describeCallSite, ExclusiveLease, type LeaseOwner, SharedLease } from './lease.ts'
import type { PoolOptions, ResetMode } from './pool-options.ts'
import type { CallSite, PoolConnection, Slot, Tenure } from './slot.ts'
import type { PoolEventType } from './status.ts'
import type { Supply } from './supply.ts'

export interface LeasesOptions<C extends PoolConnection> {
  pool: PoolOptions
  supply: Supply<C>
  /** Folders whose code is not the program's, beside the pool's own. */
  ownFolders: readonly string[]
  onEvent: (type: PoolEventType, error?: unknown, detail?: string) => void
  now: () => number
  /** Called when a connection, or room on one, has come back. */
  onFree: () => void
}

const done = Promise.resolve()

/**
 * The leases of a pool: hands out what was taken, and takes it back.
 *
 * Exclusive leases that are held for longer than leakAfterMs are reported, once each, with where they were taken: most often
 * an await on something that is not the database, inside a transaction. HikariCP's leakDetectionThreshold does the same.
 */
export class Leases<C extends PoolConnection> implements LeaseOwner<C> {
  /** How long leases were held. */
  readonly times = new Histogram()
  readonly #options: LeasesOptions<C>
  readonly #ownFolders: readonly string[]
  #leakTimer: ReturnType<typeof setInterval> | null = null

  constructor(options: LeasesOptions<C>) {
    this.#options = options
    this.#ownFolders = options.ownFolders
  }

  /** Where the caller is, for the report of a lease held too long: it costs more than all the rest of a checkout. */
  callSite(): CallSite | null {
    return this.#options.pool.leakAfterMs > 0 ? callSite() : null
  }

  /** Where each connection that is held exclusively was taken. */
  callSites(): string[] {
    return Array.from(this.#options.supply.slots, ({ lease }) => this.#describe(lease?.callSite ?? null))
  }

  /** A lease on a slot that was taken for one caller alone. */
  exclusive(slot: Slot<C>, site: CallSite | null): ExclusiveLease<C> {
    const lease = new ExclusiveLease<C>(slot, this, site)
    slot.lease = lease
    if (site) this.#watchLeaks()
    return lease
  }

  /** A lease on the room that was taken for one single statement. */
  shared(slot: Slot<C>, since: number): SharedLease<C> {
    return new SharedLease<C>(slot, this, since)
  }

  checkin(lease: ExclusiveLease<C>, reset: ResetMode | 'none'): Promise<void> {
    const { supply, onEvent } = this.#options
    const { slot, connection } = lease
    const now = this.#options.now()
    const heldMs = now - slot.since
    this.times.record(heldMs)
    if (lease.isReported) onEvent('lease-returned', undefined, this.#held(lease, heldMs))
    slot.lease = null
    if (slot.state === 'closed') return done
    if (connection.inFlight > 0) supply.destroy(slot, 'busy-at-checkin')
    else if (reset !== 'none') return this.#reset(slot, connection, reset)
    else this.#release(slot, now)
    return done
  }

  endShared({ slot, since }: SharedLease<C>, now: number = this.#options.now()): void {
    this.times.record(now - since)
    slot.shares--
    if (slot.state === 'closed') return
    slot.busySince = now
    if (slot.shares === 0) this.#options.supply.release(slot, now)
    this.#options.onFree()
  }

  /** Reports no more leaks. */
  stop(): void {
    if (this.#leakTimer) clearInterval(this.#leakTimer)
  }

  async #reset(slot: Slot<C>, connection: C, how: ResetMode): Promise<void> {
    const { pool, supply, onEvent, now } = this.#options
    try {
      await connection.reset(how, pool.prePingTimeoutMs)
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

  #watchLeaks(): void {
    if (this.#leakTimer) return
    const { leakAfterMs } = this.#options.pool
    this.#leakTimer = setInterval(() => this.#reportLeaks(), Math.min(leakAfterMs / 4, 5_000))
    this.#leakTimer.unref()
  }

  #reportLeaks(): void {
    const { pool, supply, onEvent, now } = this.#options
    for (const { lease, since } of supply.slots) {
      const heldMs = now() - since
      if (!lease || lease.isReported || heldMs < pool.leakAfterMs) continue
      lease.isReported = true
      onEvent('lease-leaked', undefined, this.#held(lease, heldMs))
    }
  }

  #held({ callSite }: Tenure, heldMs: number): string {
    return `held for ${Math.round(heldMs)} ms, taken at ${this.#describe(callSite)}`
  }

  #describe(site: CallSite | null): string {
    return describeCallSite(site, this.#ownFolders)
  }
}
