import { type Lsn, parseLsn } from '../connection/lsn.ts'
import type { SqlConnection } from '../connection/sql-connection.ts'

/** A standby does not show yet what its reader has written; the read is for another server. */
export class NotReplayedError extends Error {}

const replayedText = 'select pg_is_in_recovery(), pg_last_wal_replay_lsn()::text'

/**
 * How far standbys have replayed, by the connection: the name of a host may lead to several of them, and one that was restarted
 * after a crash may be behind what it had replayed before.
 */
export class Replayed {
  readonly #until = new WeakMap<SqlConnection, Lsn>()

  /** Whether the standby behind a connection is known to have replayed until there. */
  isKnown(connection: SqlConnection, until: Lsn): boolean {
    return (this.#until.get(connection) ?? -1n) >= until
  }

  /**
   * Asks a standby whether it has replayed until there. What it is asked behind this, in the same packet, sees at least that.
   *
   * @throws {NotReplayedError} when it has not, or is a primary by now: that may have lost what its reader has written.
   */
  async require(connection: SqlConnection, until: Lsn): Promise<void> {
    const [row] = (await connection.run(replayedText, [], true)) as unknown as [[boolean, string | null]]
    const [isStandby, text] = row
    const replayed = isStandby ? parseLsn(text) : null
    if (replayed === null || replayed < until)
      throw new NotReplayedError('The standby has not replayed what its reader has written.')
    this.#until.set(connection, replayed)
  }
}
