/** What is known of a pooler, as PgBouncer is one, between this process and the server. */
export interface Pooler {
  /** Whether statements are sent prepared through it. */
  readonly preparedStatements: boolean
}

export interface PoolerWatchOptions {
  /** Whether statements are to be sent prepared where that is possible. */
  prepare: boolean
  /** Called with what is known of the pooler, when it is met and when that changes. */
  onChange?: (pooler: Pooler) => void
}

/**
 * Finds out whether prepared statements survive the pooler that connections lead through.
 *
 * A pooler that hands a client now this, now that connection to the server loses what was prepared on another one, unless
 * it keeps track of it (PgBouncer from 1.21 on, by `max_prepared_statements`). Once one was lost, or found not to be kept
 * track of, nothing is prepared through a pooler again: several of them behind one address need not be alike.
 */
export class PoolerWatch {
  readonly #prepare: boolean
  readonly #onChange: (pooler: Pooler) => void
  #pooler: Pooler | null = null

  constructor({ prepare, onChange = () => {} }: PoolerWatchOptions) {
    this.#prepare = prepare
    this.#onChange = onChange
  }

  /** The pooler that was met; null when there is none, or nothing was opened yet. */
  get pooler(): Pooler | null {
    return this.#pooler
  }

  /**
   * A connection leads through a pooler.
   *
   * @param keepsTrack Asks over that connection whether the pooler keeps track of prepared statements.
   */
  async meet(keepsTrack: () => Promise<boolean>): Promise<void> {
    if (this.#pooler?.preparedStatements === false) return
    this.#learn(this.#prepare && (await keepsTrack()))
  }

  /** A statement that was prepared through a pooler was not there when it was used. */
  lostStatement(): void {
    this.#learn(false)
  }

  #learn(preparedStatements: boolean): void {
    // Another connection may have found out while this one asked.
    if (this.#pooler?.preparedStatements === preparedStatements || this.#pooler?.preparedStatements === false)
      return
    this.#pooler = { preparedStatements }
    this.#onChange(this.#pooler)
  }
}

/** What the event of a pooler says. */
export function describePooler({ preparedStatements }: Pooler, prepare: boolean): string {
  if (preparedStatements) return 'statements are sent prepared: it keeps track of them'
  return `statements are sent unprepared: ${prepare ? 'it does not keep track of prepared ones' : 'prepare is off'}`
}
