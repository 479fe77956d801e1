import type { Lsn } from '../lsn.ts'

/** Where the primary's log ended at a time. */
interface Sample {
  readonly at: number
  readonly lsn: Lsn
}

const mostSamples = 1_000

/**
 * How far standbys are behind, in time: the age of the newest position of the primary that a standby has replayed. Times are
 * this process' own, so no clocks need to agree; and a primary that nobody writes to has no standby behind it, unlike by
 * pg_last_xact_replay_timestamp().
 */
export class ReplicationLag {
  readonly #samples: Sample[] = []

  /** Where the primary's log has been found to end. @param askedAt When it was asked: what was committed by then is before it. */
  note(lsn: Lsn, askedAt: number): void {
    const last = this.#samples.at(-1)
    // A primary that begins a new time line may have less than the one before it had.
    while (this.#samples.length > 0 && (this.#samples.at(-1) as Sample).lsn > lsn) this.#samples.pop()
    if (last?.lsn === lsn) this.#samples.pop()
    this.#samples.push({ at: askedAt, lsn })
    if (this.#samples.length > mostSamples) this.#samples.shift()
  }

  /** How far in ms a standby is behind that has replayed until there; null when the primary has not been asked yet. */
  of(replayed: Lsn, now: number): number | null {
    const newest = this.#samples.at(-1)
    if (!newest) return null
    if (replayed >= newest.lsn) return 0
    const reached = this.#samples.findLast(({ lsn }) => lsn <= replayed) ?? this.#samples[0]
    return now - (reached as Sample).at
  }
}
