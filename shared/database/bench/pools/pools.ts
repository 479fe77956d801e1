import { EventEmitter } from 'node:events'
import type { ClientBase } from 'pg'
import type { PoolSettings, PoolUnderTest } from './pool-under-test.ts'
import { openQueuePool, openSharedQueuePool, openUnwatchedQueuePool } from './queue-pool.ts'

interface PoolPeer {
  readonly title: string
  open(settings: PoolSettings): Promise<PoolUnderTest>
}

/** Us first. */
export const pools = {
  ours: { title: 'this layer', open: openQueuePool },
  'ours-unwatched': { title: 'this layer, no leak watch', open: openUnwatchedQueuePool },
  'ours-shared': { title: 'this layer, for a statement', open: openSharedQueuePool },
  'pg-pool': { title: 'pg.Pool', open: openPgPool },
  tarn: { title: 'tarn', open: openTarn },
  'generic-pool': { title: 'generic-pool', open: openGenericPool },
} satisfies Record<string, PoolPeer>

export type PoolId = keyof typeof pools

export const poolIds = Object.keys(pools) as PoolId[]

/** As much of a client as pg.Pool looks at. */
class IdleClient extends EventEmitter {
  readonly _queryable = true
  readonly _ending = false
  connect(done: (error: Error | null) => void): void {
    done(null)
  }
  end(done?: () => void): void {
    done?.()
  }
  ref(): void {}
  unref(): void {}
}

async function openPgPool({ size, timeoutMs }: PoolSettings): Promise<PoolUnderTest> {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({
    max: size,
    connectionTimeoutMillis: timeoutMs,
    Client: IdleClient as unknown as new () => ClientBase,
  })
  return {
    async take() {
      const client = await pool.connect()
      return () => client.release()
    },
    cycle: () => pool.connect().then((client) => client.release()),
    close: () => pool.end(),
  }
}

async function openTarn({ size, timeoutMs }: PoolSettings): Promise<PoolUnderTest> {
  const { Pool } = await import('tarn')
  const pool = new Pool<object>({
    create: async () => ({}),
    destroy: () => {},
    validate: () => true,
    min: 0,
    max: size,
    acquireTimeoutMillis: timeoutMs,
  })
  return {
    async take() {
      const resource = await pool.acquire().promise
      return () => pool.release(resource)
    },
    cycle: () => pool.acquire().promise.then((resource) => pool.release(resource)),
    close: () => pool.destroy(),
  }
}

async function openGenericPool({ size, timeoutMs }: PoolSettings): Promise<PoolUnderTest> {
  const { createPool } = await import('generic-pool')
  const pool = createPool<object>(
    { create: async () => ({}), destroy: async () => {} },
    { max: size, acquireTimeoutMillis: timeoutMs },
  )
  return {
    async take() {
      const resource = await pool.acquire()
      return () => pool.release(resource)
    },
    cycle: () => Promise.resolve(pool.acquire()).then((resource) => pool.release(resource)),
    async close() {
      await pool.drain()
      await pool.clear()
    },
  }
}
