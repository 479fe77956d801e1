import { AsyncLocalStorage } from 'node:async_hooks'
import { type CallSite, callSite, programLine } from '@shared/pool'
import { causes } from '../errors.ts'

/** Where the statements come from that have failed, by their errors. */
const failed = new WeakMap<Error, () => string | null>()

/**
 * Where in the program a statement comes from. A statement of Drizzle's runs when it is awaited, and what the stack has then is
 * nothing of the program: the place is noted when the statement is built, and is there again when it runs.
 */
export class CallSites {
  readonly #built = new AsyncLocalStorage<CallSite>()
  readonly #ownFolders: readonly string[]

  /** @param ownFolders Folders whose code is not the program's. */
  constructor(ownFolders: readonly string[]) {
    this.#ownFolders = ownFolders
  }

  /** Notes where the caller is, who builds a statement. */
  here(): CallSite {
    return callSite()
  }

  /** Runs what was built there. */
  run<T>(site: CallSite, fn: () => T): T {
    return this.#built.run(site, fn)
  }

  /** Where what runs now was built, else where the caller is. */
  current(): CallSite {
    return this.#built.getStore() ?? callSite()
  }

  /** The line of the program, as file:line:column; null where the stack has none. */
  describe(site: CallSite): string | null {
    return programLine(site, this.#ownFolders)
  }

  /** Notes where a statement comes from that has failed. */
  failedAt(site: CallSite, error: unknown): void {
    if (error instanceof Error) failed.set(error, () => this.describe(site))
  }
}

/** The line of the program that a failed statement comes from; null where that was not noted (`slowQueryMs` 0). */
export function callerOf(error: unknown): string | null {
  for (const link of causes(error)) {
    const caller = failed.get(link)?.()
    if (caller) return caller
  }
  return null
}
