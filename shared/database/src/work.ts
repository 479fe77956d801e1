import { AsyncLocalStorage } from 'node:async_hooks'
import type { Ticket } from './cancellation.ts'
import type { Connection } from './connection.ts'
import { DatabaseError, StatementTimeoutError, WorkAbortedError } from './errors.ts'
import type { Rows } from './pipeline.ts'
import type { Slot } from './slot.ts'

/** What `within()` bounds: all database work of the function it is given, also across awaits. */
export interface WorkOptions {
  /** Longest time in ms for all of it. Default: none but the inherited. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** Inherited along awaits: the lease the caller is inside, and the signal that ends its work. */
export interface WorkContext {
  readonly holder?: Slot<Connection> | undefined
  readonly signal?: AbortSignal | undefined
}

/** The contexts of one database. */
export class Work {
  readonly #contexts = new AsyncLocalStorage<WorkContext>()

  current(): WorkContext | undefined {
    return this.#contexts.getStore()
  }

  /** Runs `fn` as the holder of a lease. */
  holding<T>(holder: Slot<Connection>, fn: () => Promise<T>): Promise<T> {
    return this.#contexts.run({ ...this.current(), holder }, started(fn))
  }

  /** Runs `fn`, ending its database work at the deadline or when the signal fires; the bounds around it hold too. */
  async within<T>(options: WorkOptions, fn: () => Promise<T>): Promise<T> {
    const outer = this.current()
    const controller = new AbortController()
    const sources = [options.signal, outer?.signal].filter((signal) => signal !== undefined)
    const abort = () => {
      const reason: unknown = sources.find((signal) => signal.aborted)?.reason
      controller.abort(reason instanceof DatabaseError ? reason : new WorkAbortedError(reason))
    }
    for (const signal of sources) signal.addEventListener('abort', abort, { once: true })
    if (sources.some((signal) => signal.aborted)) abort()
    const { timeoutMs } = options
    const timer =
      timeoutMs === undefined
        ? null
        : setTimeout(() => controller.abort(new StatementTimeoutError(timeoutMs)), timeoutMs)
    try {
      return await this.#contexts.run({ ...outer, signal: controller.signal }, started(fn))
    } finally {
      if (timer) clearTimeout(timer)
      for (const signal of sources) signal.removeEventListener('abort', abort)
    }
  }
}

/** A query of Drizzle's starts when it is awaited: that must happen inside the context, also for one that is only returned. */
function started<T>(fn: () => Promise<T>): () => Promise<T> {
  return async () => await fn()
}

/**
 * Lets go of a statement when the signal fires: the caller is told at once, and the statement is cancelled on the server
 * behind its back.
 */
export function guard(
  answer: Promise<Rows>,
  signal: AbortSignal,
  connection: Connection,
  ticket: Ticket,
): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason)
      void connection.cancel(ticket)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
