import type { QueuePool, ResetMode } from '@shared/pool'
import type { SqlConnection } from '../connection/sql-connection.ts'
import { ExclusiveConnection } from './exclusive-connection.ts'
import type { StatementCatalog } from './statement-catalog.ts'
import { type Bounds, untilFired, type Work } from './work.ts'

export interface ExclusiveWorkOptions {
  pool: QueuePool<SqlConnection>
  catalog: StatementCatalog
  work: Work
}

export interface ExclusiveWork {
  /**
   * Runs `fn` on a connection that nobody else has meanwhile, and gives it back, reset.
   *
   * @param reset 'if-stateful': only after a statement that may have left state on the session.
   * @param checkoutTimeoutMs In place of the pool's checkoutTimeoutMs.
   * @throws what `fn` throws, and what a checkout throws (see QueuePool.checkout).
   */
  hold<T>(
    fn: (exclusive: ExclusiveConnection) => Promise<T>,
    reset: ResetMode | 'if-stateful',
    checkoutTimeoutMs?: number,
  ): Promise<T>
  /** Runs a call's work within bounds of its own; a time among them stands in for checkoutTimeoutMs. */
  inBounds<T>(bounds: Bounds, run: (checkoutTimeoutMs?: number) => Promise<T>): Promise<T>
}

/** Work that has a connection for itself: transactions, `use()`, and statements that leave state on the session. */
export function createExclusiveWork({ pool, catalog, work }: ExclusiveWorkOptions): ExclusiveWork {
  return {
    async hold(fn, reset, checkoutTimeoutMs) {
      const context = work.current()
      const warm = context?.signal?.aborted ? null : pool.tryCheckout()
      const lease = warm ?? (await pool.checkout({ ...context, timeoutMs: checkoutTimeoutMs }))
      const exclusive = new ExclusiveConnection(lease.connection, catalog, work)
      const giveBack = async () => {
        await exclusive.end()
        await lease.checkin({
          reset: reset !== 'if-stateful' ? reset : exclusive.stateful ? 'discard' : 'none',
        })
      }
      try {
        return await work.holding(lease, () => fn(exclusive))
      } finally {
        // The caller has its answer: its deadline ends the wait for what is still to be cleaned up.
        await untilFired(giveBack(), context?.signal, () => null).catch(() => {})
      }
    },
    inBounds({ timeoutMs, signal }, run) {
      if (timeoutMs === undefined && signal === undefined) return run()
      const checkoutTimeoutMs = timeoutMs === undefined ? undefined : Number.POSITIVE_INFINITY
      return work.within({ timeoutMs, signal }, 'call', () => run(checkoutTimeoutMs))
    },
  }
}
