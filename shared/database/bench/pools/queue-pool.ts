import { resolvePoolOptions } from '../../src/options.ts'
import { QueuePool } from '../../src/queue-pool.ts'
import type { PoolConnection } from '../../src/slot.ts'
import type { PoolSettings, PoolUnderTest } from './pools.ts'

/** A connection to nothing that answers at once. */
class FreeConnection implements PoolConnection {
  readonly inFlight = 0
  readonly worn = false
  spokeAt = performance.now()

  async ping(): Promise<void> {
    this.spokeAt = performance.now()
  }

  async reset(): Promise<void> {}
  async close(): Promise<void> {}
  async destroy(): Promise<void> {}
}

/** Our pool with pre-ping, recycling and everything else at its defaults, over connections that cost nothing. */
export function createFreePool({ size, timeoutMs, waiting }: PoolSettings): QueuePool<FreeConnection> {
  return new QueuePool<FreeConnection>({
    name: 'bench',
    pool: resolvePoolOptions({
      poolSize: size,
      maxOverflow: 0,
      checkoutTimeoutMs: timeoutMs,
      maxWaiting: waiting,
    }),
    connectTimeoutMs: 1_000,
    connect: async () => new FreeConnection(),
  })
}

/** The same as a candidate. */
export async function openQueuePool(settings: PoolSettings): Promise<PoolUnderTest> {
  const pool = createFreePool(settings)
  return {
    async take() {
      const lease = await pool.checkout()
      return () => lease.checkin()
    },
    async cycle() {
      const lease = await pool.checkout()
      await lease.checkin()
    },
    close: () => pool.close(),
  }
}

/** The same as a single statement takes it: a place on a connection, without a wait where one is warm. */
export async function openSharedQueuePool(settings: PoolSettings): Promise<PoolUnderTest> {
  const pool = createFreePool(settings)
  return {
    async take() {
      const slot = pool.tryShare() ?? (await pool.share())
      return () => pool.unshare(slot, slot.busySince)
    },
    async cycle() {
      const slot = pool.tryShare() ?? (await pool.share())
      pool.unshare(slot, slot.busySince)
    },
    close: () => pool.close(),
  }
}
