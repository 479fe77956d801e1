import { eq, sql } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { createDatabase, type Database } from '../src/index.ts'
import { openRawBunSql, openRawPostgresJs } from './peers-raw.ts'
import { orders, productOf, products } from './product.ts'
import type { PeerOptions, Queries } from './queries.ts'

interface Peer {
  readonly title: string
  open(url: string, options: PeerOptions): Promise<Queries>
}

/** Us first. Each gets its number of connections and keeps all its other defaults. */
export const peers = {
  ours: { title: 'this layer', open: openOurs },
  'ours-prepared': { title: 'this layer .prepare()', open: openPreparedOurs },
  'drizzle-postgres-js': { title: 'drizzle/postgres-js', open: openPostgresJs },
  'drizzle-postgres-js-prepared': { title: 'drizzle/postgres-js .prepare()', open: openPreparedPostgresJs },
  'drizzle-node-postgres': { title: 'drizzle/node-postgres', open: openNodePostgres },
  'drizzle-bun-sql': { title: 'drizzle/bun-sql', open: openBunSql },
  'raw-postgres-js': { title: 'raw postgres.js', open: openRawPostgresJs },
  'raw-bun-sql': { title: 'raw Bun.SQL', open: openRawBunSql },
} satisfies Record<string, Peer>

export type PeerId = keyof typeof peers

/** Drizzle as its documentation has it, on each driver. */
export const stockPeers = {
  'drizzle-postgres-js': peers['drizzle-postgres-js'].title,
  'drizzle-node-postgres': peers['drizzle-node-postgres'].title,
  'drizzle-bun-sql': peers['drizzle-bun-sql'].title,
} as const

export const peerIds = Object.keys(peers) as PeerId[]

async function openOurs(url: string, options: PeerOptions): Promise<Queries> {
  const database = openDatabase(url, options)
  return throughDrizzle(database.db, () => database.close())
}

async function openPreparedOurs(url: string, options: PeerOptions): Promise<Queries> {
  const database = openDatabase(url, options)
  return prepared(database.db, () => database.close())
}

/** Overflow is off, so that everybody has as many connections; everything else that this layer promises is on. */
function openDatabase(url: string, { max, pool, connection }: PeerOptions): Database<Record<string, never>> {
  return createDatabase({ name: 'bench', url, pool: { poolSize: max, maxOverflow: 0, ...pool }, connection })
}

async function openPostgresJs(url: string, { max }: PeerOptions): Promise<Queries> {
  const { drizzle } = await import('drizzle-orm/postgres-js')
  const { default: postgres } = await import('postgres')
  const client = postgres(url, { max, onnotice: () => {} })
  return throughDrizzle(drizzle({ client }), () => client.end({ timeout: 1 }))
}

async function openPreparedPostgresJs(url: string, { max }: PeerOptions): Promise<Queries> {
  const { drizzle } = await import('drizzle-orm/postgres-js')
  const { default: postgres } = await import('postgres')
  const client = postgres(url, { max, onnotice: () => {} })
  return prepared(drizzle({ client }), () => client.end({ timeout: 1 }))
}

async function openNodePostgres(url: string, { max }: PeerOptions): Promise<Queries> {
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: url, max })
  return throughDrizzle(drizzle({ client: pool }), () => pool.end())
}

async function openBunSql(url: string, { max }: PeerOptions): Promise<Queries> {
  const { drizzle } = await import('drizzle-orm/bun-sql')
  const client = new Bun.SQL(url, { max })
  return throughDrizzle(drizzle({ client }), () => client.close({ timeout: 1 }))
}

function throughDrizzle<T extends PgQueryResultHKT>(
  db: PgDatabase<T>,
  close: () => Promise<unknown>,
): Queries {
  return {
    select: async (n) =>
      await db
        .select()
        .from(products)
        .where(eq(products.id, productOf(n))),
    insert: async (n) =>
      await db
        .insert(orders)
        .values({ productId: productOf(n), quantity: 1 })
        .returning(),
    transaction: (n) =>
      db.transaction(async (tx) => {
        await tx
          .select()
          .from(products)
          .where(eq(products.id, productOf(n)))
        await tx.insert(orders).values({ productId: productOf(n), quantity: 1 })
      }),
    sleep: async (ms) =>
      pidIn(await db.execute(sql`select pg_backend_pid() as pid from pg_sleep(${ms / 1_000}::float8)`)),
    close,
  }
}

/** The statements built once, with placeholders. */
function prepared(db: PostgresJsDatabase, close: () => Promise<unknown>): Queries {
  const select = db
    .select()
    .from(products)
    .where(eq(products.id, sql.placeholder('id')))
    .prepare('bench_select')
  const insert = db
    .insert(orders)
    .values({ productId: sql.placeholder('productId'), quantity: 1 })
    .returning()
    .prepare('bench_insert')
  return {
    ...throughDrizzle(db, close),
    select: (n) => select.execute({ id: productOf(n) }),
    insert: (n) => insert.execute({ productId: productOf(n) }),
    transaction: null,
  }
}

/** node-postgres has the rows in a member of its answer; for all others they are the answer. */
function pidIn(answer: unknown): number {
  const rows = Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows
  return (rows[0] as { pid: number }).pid
}
