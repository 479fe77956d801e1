import type { ResetMode } from './pool-options.ts'
import type { CallSite, Slot, Tenure } from './slot.ts'

/** What takes connections back. */
export interface LeaseOwner<C> {
  /** Ends an exclusive lease; settles when the connection is available again. */
  checkin(lease: ExclusiveLease<C>, reset: ResetMode | 'none'): Promise<void>
  /** Ends a shared lease at `now`. */
  endShared(lease: SharedLease<C>, now?: number): void
}

/** An exclusive hold on a connection. It ends once, by `checkin()`; later calls do nothing. */
export class ExclusiveLease<C> implements Tenure {
  readonly connection: C
  readonly slot: Slot<C>
  readonly callSite: CallSite | null
  nestedWaits = 0
  isReported = false
  readonly #owner: LeaseOwner<C>
  #ended: Promise<void> | null = null

  constructor(slot: Slot<C>, owner: LeaseOwner<C>, callSite: CallSite | null) {
    this.slot = slot
    this.connection = slot.connection as C
    this.callSite = callSite
    this.#owner = owner
  }

  get ended(): boolean {
    return this.#ended !== null
  }

  /**
   * Gives the connection back, reset first if asked.
   *
   * @param options.reset Default 'none'.
   * @returns Settles when it is available again; never rejects.
   */
  checkin(options?: { reset?: ResetMode | 'none' }): Promise<void> {
    this.#ended ??= this.#owner.checkin(this, options?.reset ?? 'none')
    return this.#ended
  }
}

/** The hold of one single statement on a connection, beside others. It must be ended once. */
export class SharedLease<C> {
  readonly connection: C
  readonly slot: Slot<C>
  /** When it was taken, on the pool's clock. */
  readonly since: number
  readonly #owner: LeaseOwner<C>

  constructor(slot: Slot<C>, owner: LeaseOwner<C>, since: number) {
    this.slot = slot
    this.connection = slot.connection as C
    this.since = since
    this.#owner = owner
  }

  /** Whether other statements are under way on the connection too. */
  get hasNeighbours(): boolean {
    return this.slot.shares > 1
  }

  /** @param now The time on the pool's clock, where the caller has just read it. */
  end(now?: number): void {
    this.#owner.endShared(this, now)
  }
}

/** Notes where the caller is. */
export function callSite(): CallSite {
  return new Error()
}

/**
 * The line of the program at a call site: the first that is not of these folders, of a dependency or of the runtime.
 *
 * @param ownFolders Folders of the layer's own code.
 */
export function describeCallSite(site: CallSite | null, ownFolders: readonly string[]): string {
  const lines = (site?.stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''))
  const isOwn = (line: string) =>
    ownFolders.some((folder) => line.includes(folder)) ||
    /node_modules|\(native|node:|\[native code\]/.test(line)
  return lines.find((line) => !isOwn(line)) ?? lines[0] ?? 'an unknown place'
}
