import type { Lsn } from '../connection/lsn.ts'
import type { ConnectionSource, SqlConnection } from '../connection/sql-connection.ts'
import { askPosition } from '../session/write-mark.ts'

/**
 * The prepared plans on standbys: definitions that have changed on the primary change there when they are replayed, so until then
 * nothing runs from a plan there.
 */
export class ReplicaPlans {
  readonly #source: ConnectionSource
  readonly #replayed: (until: Lsn, signal: AbortSignal) => Promise<void>
  readonly #closing = new AbortController()
  #isHeld = false
  #changes = 0

  /** @param replayed Settles when every standby has replayed until there. */
  constructor(source: ConnectionSource, replayed: (until: Lsn, signal: AbortSignal) => Promise<void>) {
    this.#source = source
    this.#replayed = replayed
  }

  /** Plans on the primary are held, or no longer. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#apply()
  }

  /** @param connection To the primary, free to be asked. */
  async definitionsChanged(connection: SqlConnection): Promise<void> {
    this.#changes++
    this.#apply()
    this.#source.definitionsChanged()
    let until: Lsn | null = null
    try {
      await this.#source.learnTypes(connection)
      until = await askPosition(connection)
    } finally {
      // What could not be asked is asked again: the change counts as not seen yet.
      void this.#release(until)
    }
  }

  stop(): void {
    this.#closing.abort()
  }

  async #release(until: Lsn | null): Promise<void> {
    if (until !== null) await this.#replayed(until, this.#closing.signal)
    // What was learnt meanwhile may be of a standby that did not know the change.
    this.#source.definitionsChanged()
    this.#changes--
    this.#apply()
  }

  #apply(): void {
    this.#source.holdPlans(this.#isHeld || this.#changes > 0)
  }
}
