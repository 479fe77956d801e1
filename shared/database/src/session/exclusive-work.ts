import type { ExclusiveLease, QueuePool, ResetMode } from '@shared/pool'
import type { SqlConnection } from '../connection/sql-connection.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { ExclusiveConnection } from './exclusive-connection.ts'
import type { StatementCatalog } from './statement-catalog.ts'
import { type Bounds, untilFired, type Work } from './work.ts'

export interface ExclusiveWorkOptions {
  pool: QueuePool<SqlConnection>
  catalog: StatementCatalog
  work: Work
  tracer: Tracer
  /** Called when work is over that may have changed definitions, and waited for. Default: nothing. */
  onDefined?: () => Promise<void>
  /** Called with each connection that is taken, before its holder has it. Default: nothing is. */
  beforeCheckout?: ((exclusive: ExclusiveConnection) => Promise<void>) | null
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

type Lease = ExclusiveLease<SqlConnection>

// A server that loses every connection at once ends it.
const mostAttempts = 5

/** Work that has a connection for itself: transactions, `use()`, and statements that leave state on the session. */
export function createExclusiveWork(options: ExclusiveWorkOptions): ExclusiveWork {
  const { pool, catalog, work, tracer, beforeCheckout = null, onDefined = async () => {} } = options
  const holdOn = ({ connection }: Lease) => new ExclusiveConnection(connection, catalog, work, tracer)

  /** Has the hook see a connection; one that turns out lost is replaced, as the hook is the first to speak on it. */
  async function admit(
    first: Lease,
    take: () => Promise<Lease>,
    hook: (exclusive: ExclusiveConnection) => Promise<void>,
  ): Promise<{ lease: Lease; exclusive: ExclusiveConnection }> {
    let lease = first
    for (let attempts = 1; ; attempts++) {
      const before = holdOn(lease)
      try {
        await work.holding(lease, () => hook(before))
        const exclusive = holdOn(lease)
        exclusive.takeOver(before)
        return { lease, exclusive }
      } catch (error) {
        const { connection } = lease
        const isLost = connection.lost
        connection.retire()
        await lease.checkin()
        if (!isLost || attempts >= mostAttempts) throw error
      }
      lease = await take()
    }
  }

  return {
    async hold(fn, reset, checkoutTimeoutMs) {
      const context = work.current()
      const warm = context?.signal?.aborted ? null : pool.tryCheckout()
      const take = async (ready: Lease | null) =>
        ready ?? (await pool.checkout({ ...context, timeoutMs: checkoutTimeoutMs }))
      const heard = (ready: Lease | null) =>
        tracer.hearsCheckouts ? tracer.checkout('exclusive', pool.waiting, () => take(ready)) : take(ready)
      let lease = warm && !tracer.hearsCheckouts ? warm : await heard(warm)
      let exclusive: ExclusiveConnection
      if (beforeCheckout) ({ lease, exclusive } = await admit(lease, () => heard(null), beforeCheckout))
      else exclusive = holdOn(lease)
      const giveBack = async () => {
        await exclusive.end()
        await lease.checkin({
          reset: reset !== 'if-stateful' ? reset : exclusive.stateful ? 'discard' : 'none',
        })
        if (exclusive.hasDefined) await onDefined()
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
