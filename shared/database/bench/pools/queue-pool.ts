import { type PoolConnection, type PoolOptions, QueuePool, resolvePoolOptions } from '@shared/pool'
import type { PoolSettings, PoolUnderTest } from './pool-under-test.ts'

/** A connection to nothing that answers at once. */
class FreeConnection implements PoolConnection {
  readonly inFlight = 0
  readonly shouldReplace = false
  readonly sharable = true
  spokeAt = performance.now()

  async ping(): Promise<void> {
    this.spokeAt = performance.now()
  }

  async reset(): Promise<void> {}
  async close(): Promise<void> {}
  async destroy(): Promise<void> {}
}

/** Our pool with pre-ping, recycling and everything else at its defaults, over connections that cost nothing. */
export function createFreePool(
  { size, timeoutMs, waiting }: PoolSettings,
  options: Partial<PoolOptions> = {},
): QueuePool<FreeConnection> {
  return new QueuePool<FreeConnection>({
    name: 'bench',
    pool: resolvePoolOptions({
      poolSize: size,
      maxOverflow: 0,
      checkoutTimeoutMs: timeoutMs,
      maxWaiting: waiting,
      ...options,
    }),
    connectTimeoutMs: 1_000,
    connect: async () => new FreeConnection(),
  })
}

/** The same as a candidate. */
export async function openQueuePool(settings: PoolSettings): Promise<PoolUnderTest> {
  return exclusively(createFreePool(settings))
}

/** The same without the leak watch, which notes where each exclusive lease is taken: no peer does. */
export async function openUnwatchedQueuePool(settings: PoolSettings): Promise<PoolUnderTest> {
  return exclusively(createFreePool(settings, { leakAfterMs: 0 }))
}

function exclusively(pool: QueuePool<FreeConnection>): PoolUnderTest {
  return {
    async take() {
      const lease = await pool.checkout()
      return () => lease.checkin()
    },
    cycle() {
      const lease = pool.tryCheckout()
      return lease ? lease.checkin() : pool.checkout().then((waited) => waited.checkin())
    },
    close: () => pool.close(),
  }
}

/** The same as a single statement takes it: a place on a connection, without a wait where one is warm. */
export async function openSharedQueuePool(settings: PoolSettings): Promise<PoolUnderTest> {
  const pool = createFreePool(settings)
  return {
    async take() {
      const lease = pool.tryShare() ?? (await pool.share())
      return () => lease.end()
    },
    cycle() {
      const since = performance.now()
      const lease = pool.tryShare(since)
      return lease ? lease.end() : pool.share().then((waited) => waited.end())
    },
    close: () => pool.close(),
  }
}
