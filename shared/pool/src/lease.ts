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

// Calls of the layer, with a tracer's between them, are more than the 10 that runtimes note.
const mostCalls = 25

/** Notes where the caller is. */
export function callSite(): CallSite {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = Math.max(usual, mostCalls)
  const site = new Error()
  Error.stackTraceLimit = usual
  return site
}

/**
 * The line of the program at a call site: the first that is not of these folders, of a dependency or of the runtime.
 *
 * @param ownFolders Folders whose code is not the program's, beside the pool's own.
 */
export function describeCallSite(site: CallSite | null, ownFolders: readonly string[]): string {
  return programLine(site, ownFolders) ?? linesOf(site)[0] ?? 'an unknown place'
}

/** The line of the program at a call site, as `describeCallSite` finds it; null where there is none. */
export function programLine(site: CallSite | null, ownFolders: readonly string[]): string | null {
  const isOwn = (line: string) =>
    [import.meta.dirname, ...ownFolders].some((folder) => line.includes(folder)) ||
    /node_modules|\(native|\(unknown\)|node:|\[native code\]/.test(line)
  return linesOf(site).find((line) => !isOwn(line)) ?? null
}

function linesOf(site: CallSite | null): string[] {
  return (site?.stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''))
}
