import type { DrizzleDatabase, DrizzleModel, TransactionOf } from '../drizzle/handle.ts'
import type { ExclusiveWork } from '../session/exclusive-work.ts'
import { retryTransaction } from '../session/retry.ts'
import type { Work } from '../session/work.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { TransactionOptions } from './uses-api.ts'

/** Runs a transaction, again where that is safe. */
export type Transact<TModel extends DrizzleModel> = <T>(
  options: TransactionOptions,
  fn: (tx: TransactionOf<TModel>) => Promise<T>,
) => Promise<T>

export interface TransactParts<TModel extends DrizzleModel> {
  readonly db: DrizzleDatabase<TModel>
  readonly inBounds: ExclusiveWork['inBounds']
  readonly work: Work
  readonly tracer: Tracer
  /** Whether a statement failed because its server takes no writes any more, and another may. */
  readonly hasMoved: (error: unknown) => Promise<boolean>
}

/** Makes transactions that are run again, whole, when the server or a lost connection rolled them back. */
export function createTransact<TModel extends DrizzleModel>({
  db,
  inBounds,
  work,
  tracer,
  hasMoved,
}: TransactParts<TModel>): Transact<TModel> {
  return ({ retries = 3, timeoutMs, signal, ...modes }, fn) => {
    const config = Object.keys(modes).length > 0 ? modes : undefined
    return inBounds({ timeoutMs, signal }, () =>
      tracer.attempts((attempt) =>
        retryTransaction(
          () => attempt(() => db.transaction(fn, config)),
          retries,
          // One that is read only by its own wish finds no other server that would take its writes.
          async (error) => modes.accessMode !== 'read only' && (await hasMoved(error)),
          work.current()?.signal,
        ),
      ),
    )
  }
}
