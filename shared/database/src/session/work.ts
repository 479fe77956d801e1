import { AsyncLocalStorage } from 'node:async_hooks'
import {
  DatabaseError,
  type DeadlineOwner,
  type ExclusiveLease,
  StatementTimeoutError,
  startTimer,
  WorkAbortedError,
} from '@shared/pool'
import type { SqlConnection, Ticket } from '../connection/sql-connection.ts'
import type { Rows } from '../connection/statement.ts'
import { WriteMark } from './write-mark.ts'

/** What ends the database work of a call, beside the bounds around it: the earliest holds, none replaces another. */
export interface Bounds {
  /** Longest time in ms for all of it: queue, connect, statements and COMMIT. Above 0; Infinity: none. Default: none. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** What `within()` bounds: all database work of the function it is given, also across awaits. */
export interface WorkOptions extends Bounds {
  /** Whose the deadline is, for the errors. Default 'within'. */
  owner?: 'within' | 'request' | undefined
  /** What `writtenUntil()` said in another context: reads from standbys see at least that. */
  writtenUntil?: string | undefined
}

/** Inherited along awaits, also by what lives on after them: the lease the caller is inside, and the signal that ends its work. */
export interface WorkContext {
  readonly holder?: ExclusiveLease<SqlConnection> | undefined
  /** Its reason is an error of this layer: StatementTimeoutError for a deadline, WorkAbortedError for a caller's signal. */
  readonly signal?: AbortSignal | undefined
  /** What was written in it, shared by those inside; undefined where no standby is read from. */
  readonly writes?: WriteMark | undefined
}

/** The contexts of one database. */
export class Work {
  readonly #contexts = new AsyncLocalStorage<WorkContext>()
  readonly #followsWrites: boolean
  readonly #database: string

  /** @param options.followsWrites Whether contexts know what they have written to the database. */
  constructor({ followsWrites, database }: { followsWrites: boolean; database: string }) {
    this.#followsWrites = followsWrites
    this.#database = database
  }

  /** What the current context has written, for another process. */
  writtenUntil(): string | null {
    return this.current()?.writes?.token(this.#database) ?? null
  }

  current(): WorkContext | undefined {
    return this.#contexts.getStore()
  }

  /** Runs `fn` in no context: what ends the work of who asked for it, long ago, does not end this. */
  outside<T>(fn: () => T): T {
    return this.#contexts.exit(fn)
  }

  /** Runs `fn` as the holder of a lease. */
  holding<T>(holder: ExclusiveLease<SqlConnection>, fn: () => Promise<T>): Promise<T> {
    return this.#contexts.run({ ...this.current(), holder }, started(fn))
  }

  /** Runs `fn`, ending its database work at the deadline or when the signal fires; the bounds around it hold too. */
  async within<T>(
    bounds: Bounds & Pick<WorkOptions, 'writtenUntil'>,
    owner: DeadlineOwner,
    fn: () => Promise<T>,
  ): Promise<T> {
    const outer = this.current()
    const controller = new AbortController()
    const sources = [bounds.signal, outer?.signal].filter((signal) => signal !== undefined)
    const abort = () => {
      const reason: unknown = sources.find((signal) => signal.aborted)?.reason
      controller.abort(reason instanceof DatabaseError ? reason : new WorkAbortedError(reason))
    }
    for (const signal of sources) signal.addEventListener('abort', abort, { once: true })
    if (sources.some((signal) => signal.aborted)) abort()
    const { timeoutMs = Number.POSITIVE_INFINITY } = bounds
    const stopTimer = startTimer(timeoutMs, () =>
      controller.abort(new StatementTimeoutError(timeoutMs, { owner, spentOn: 'caller' })),
    )
    try {
      const writes = outer?.writes ?? (this.#followsWrites ? new WriteMark() : undefined)
      if (bounds.writtenUntil !== undefined) writes?.take(bounds.writtenUntil, this.#database)
      return await this.#contexts.run({ ...outer, signal: controller.signal, writes }, started(fn))
    } finally {
      stopTimer()
      for (const signal of sources) signal.removeEventListener('abort', abort)
    }
  }
}

/** A query of Drizzle's starts when it is awaited: that must happen inside the context, also for one that is only returned. */
function started<T>(fn: () => Promise<T>): () => Promise<T> {
  return async () => await fn()
}

/**
 * Lets go of a statement when the signal fires: the caller gets its error at once, and the statement is cancelled on the server
 * behind its back.
 */
export function guard(
  answer: Promise<Rows>,
  signal: AbortSignal,
  connection: SqlConnection,
  ticket: Ticket,
): Promise<Rows> {
  return untilFired(answer, signal, (reason) => {
    void connection.cancel(ticket)
    return spentOn('statement', reason)
  })
}

/** Waits for work, but only until the signal fires: then it rejects with the error made of the reason, and the work goes on. */
export function untilFired<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  toError: (reason: unknown) => unknown,
): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(toError(signal.reason))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A signal's reason, for work that was at that when it fired: a deadline says what its time was spent on. */
export function spentOn(at: 'statement' | 'commit', reason: unknown): unknown {
  if (!(reason instanceof StatementTimeoutError) || !reason.deadline) return reason
  const { owner, timeoutMs } = reason.deadline
  return new StatementTimeoutError(timeoutMs, { owner, spentOn: at })
}
