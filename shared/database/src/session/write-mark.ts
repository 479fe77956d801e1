import { formatLsn, type Lsn, parseLsn } from '../connection/lsn.ts'
import type { SqlConnection } from '../connection/sql-connection.ts'
import type { Rows } from '../connection/statement.ts'
import { ConnectionLostError, serverState } from '../errors.ts'

/**
 * What a context has written: until where in the primary's log a standby must have replayed to show it. One that does not know
 * whether or until where it has written reads from the primary.
 */
export class WriteMark {
  #until: Lsn | null = null
  #writtenAt = Number.NEGATIVE_INFINITY
  #isUncertain = false

  /** Until where; null when nothing was written, or when that is not known. */
  get until(): Lsn | null {
    return this.#until
  }

  /** When the last write was answered, on performance.now's clock. */
  get writtenAt(): number {
    return this.#writtenAt
  }

  /** Whether it may have written something of which it does not know the position. */
  get isUncertain(): boolean {
    return this.#isUncertain
  }

  /** @param position As the server wrote it; null where it could not be asked. */
  note(position: Lsn | null): void {
    this.#writtenAt = performance.now()
    if (position === null) this.#isUncertain = true
    else if (this.#until === null || position > this.#until) this.#until = position
  }

  /** For another process, in `within({ writtenUntil })`; null when nothing was written. */
  token(database: string): string | null {
    if (this.#isUncertain) return `${encodeURIComponent(database)}:${uncertain}`
    return this.#until === null ? null : `${encodeURIComponent(database)}:${formatLsn(this.#until)}`
  }

  /** Takes over what another context has written; a token of another database says nothing here. */
  take(token: string, database: string): void {
    const prefix = `${encodeURIComponent(database)}:`
    if (token.startsWith(prefix)) this.note(parseLsn(token.slice(prefix.length)))
  }
}

const uncertain = 'unknown'

// Not what is written out by now: with synchronous_commit off a commit is answered before.
const positionText = 'select pg_current_wal_insert_lsn()::text'

/**
 * Follows a write by the question until where the log goes, in the same packet, and notes the answer before the write's own is
 * handed on.
 */
export async function followWrite(
  answer: Promise<Rows>,
  connection: SqlConnection,
  mark: WriteMark,
): Promise<Rows> {
  const position = askPosition(connection)
  try {
    const rows = await answer
    mark.note(await position)
    return rows
  } catch (error) {
    if (mayHaveWritten(error)) mark.note(null)
    throw error
  }
}

/** Until where the primary's log goes; null where it could not be asked. */
export async function askPosition(connection: SqlConnection): Promise<Lsn | null> {
  try {
    const [row] = (await connection.run(positionText, [], true)) as unknown as [[string]]
    return parseLsn(row[0])
  } catch {
    return null
  }
}

function mayHaveWritten(error: unknown): boolean {
  if (error instanceof ConnectionLostError) return error.outcome === 'unknown'
  return serverState(error) === null
}
