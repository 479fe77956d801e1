import type { ConnectionOptions, PoolOptions } from '../src/index.ts'

/** One way from a program to PostgreSQL. `n` counts the calls up; what is not offered is null. */
export interface Queries {
  /** A product by its primary key. */
  select(n: number): Promise<unknown>
  /** A new order, returned. */
  insert(n: number): Promise<unknown>
  /** A transaction of two statements: reads a product, adds an order. */
  transaction: ((n: number) => Promise<unknown>) | null
  /** Sleeps on the server; resolves to the backend's process id. */
  sleep(ms: number): Promise<number>
  close(): Promise<unknown>
}

export interface PeerOptions {
  /** Connections at most. */
  max: number
  pool?: Partial<PoolOptions>
  connection?: Partial<ConnectionOptions>
}
