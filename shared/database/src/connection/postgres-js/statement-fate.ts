import { ConnectionLostError, type LostOutcome } from '../../errors.ts'
import { AnswerScan, type FatalAnswer } from './answer-scan.ts'
import type { DriverQuery } from './driver-query.ts'

const undone =
  'The server ended the session while the statement was running, and undid it. Nothing took effect: repeating it is safe.'

const unreplicated =
  'The server committed the statement, and a cancellation kept it from waiting for its synchronous standbys: if it fails now, this may be lost. Check before repeating it.'

// What begins so can't commit before its end, unlike CALL, DO, VACUUM and whatever is done CONCURRENTLY. Comments may stand before.
const isUndoneWhole =
  /^(?:[\s(]|--.*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:select|insert|update|delete|merge|with|values|table|begin|commit|rollback|savepoint)\b(?!\s+prepared\b)/i

/** What is known of statements of one connection beside their answers: what became of those without one, and which are not to be believed. */
export class StatementFate {
  readonly #scan = new AnswerScan()
  /** What the server has ended the session with. */
  #fatal: FatalAnswer | null = null
  #hasWarned = false

  /** Reads along what the server sends. @returns What it has ended the session with, if it has. */
  read(bytes: Buffer): FatalAnswer | null {
    this.#fatal ??= this.#scan.read(bytes)
    return this.#fatal
  }

  /** A notice has come, about the statement that runs. */
  noted(severity: string | undefined): void {
    if (severity === 'WARNING') this.#hasWarned = true
  }

  /**
   * The error for a write that was answered as done while a cancellation was under way, if the server has warned of it; null: it is
   * done. A write that waits for a synchronous standby is not undone by a cancellation: it stops waiting (SyncRepWaitForLSN in
   * PostgreSQL's syncrep.c).
   */
  unreplicated(mayBeCancelled: boolean, isWrite: boolean): ConnectionLostError | null {
    const hasWarned = this.#hasWarned
    this.#hasWarned = false
    return hasWarned && mayBeCancelled && isWrite
      ? new ConnectionLostError('unknown', { message: unreplicated })
      : null
  }

  /** The error for a statement that is left without an answer. */
  lost(query: DriverQuery, isFirst: boolean, isPooled: boolean, cause: unknown): ConnectionLostError {
    const outcome = query.state ? this.#outcomeOf(query, isFirst, isPooled) : 'not-sent'
    return new ConnectionLostError(outcome, { cause, ...(outcome === 'rolled-back' && { message: undone }) })
  }

  /**
   * What became of a statement that was sent and not answered. A server that is shut down in order ends a session between two steps
   * of the first and undoes what that has done (ProcessInterrupts in PostgreSQL's postgres.c); a commit is one step, and the answer
   * to it is written before the next chance. What is behind the first it never reads. A pooler says the like of servers that are gone.
   */
  #outcomeOf({ strings: [text = ''] }: DriverQuery, isFirst: boolean, isPooled: boolean): LostOutcome {
    if (this.#fatal?.code !== '57P01' || isPooled) return 'unknown'
    if (!isFirst) return 'not-sent'
    return this.#scan.isComplete || !isUndoneWhole.test(text) ? 'unknown' : 'rolled-back'
  }
}
