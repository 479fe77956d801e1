import { productOf } from './product.ts'
import type { PeerOptions, Queries } from './queries.ts'

/** postgres.js without Drizzle: the driver under us. */
export async function openRawPostgresJs(url: string, { max }: PeerOptions): Promise<Queries> {
  const { default: postgres } = await import('postgres')
  const client = postgres(url, { max, onnotice: () => {} })
  return {
    select: async (n) => await client`select * from product where id = ${productOf(n)}`,
    insert: async (n) =>
      await client`insert into orders (product_id, quantity) values (${productOf(n)}, 1) returning *`,
    transaction: (n) =>
      client.begin(async (tx) => {
        await tx`select * from product where id = ${productOf(n)}`
        await tx`insert into orders (product_id, quantity) values (${productOf(n)}, 1)`
      }),
    sleep: async (ms) => {
      const [row] = await client`select pg_backend_pid() as pid from pg_sleep(${ms / 1_000}::float8)`
      return row?.pid
    },
    close: () => client.end({ timeout: 1 }),
  }
}

/** Bun's own client without Drizzle. */
export async function openRawBunSql(url: string, { max }: PeerOptions): Promise<Queries> {
  const client = new Bun.SQL(url, { max })
  return {
    select: async (n) => await client`select * from product where id = ${productOf(n)}`,
    insert: async (n) =>
      await client`insert into orders (product_id, quantity) values (${productOf(n)}, 1) returning *`,
    transaction: (n) =>
      client.begin(async (tx) => {
        await tx`select * from product where id = ${productOf(n)}`
        await tx`insert into orders (product_id, quantity) values (${productOf(n)}, 1)`
      }),
    sleep: async (ms) => {
      const [row] = await client`select pg_backend_pid() as pid from pg_sleep(${ms / 1_000}::float8)`
      return row?.pid
    },
    close: () => client.close({ timeout: 1 }),
  }
}
