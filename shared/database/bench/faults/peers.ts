import { type SQL, sql } from 'drizzle-orm'
import { type ConnectionOptions, createDatabase } from '../../src/index.ts'
import { schedule } from './schedule.ts'

/** A client of the database with a pool of its own. */
export interface Peer {
  /** Asks the database for the number it is given. */
  ask(n: number): Promise<unknown>
  /** One statement that takes that long. */
  sleep(seconds: number): Promise<unknown>
}

/** The columns of the table. Each opens a pool of ten and leaves all other options at their defaults. */
export const peers = {
  layer: { title: 'this layer', open: openLayer },
  'layer-retry-reads': { title: 'this layer, retryReads', open: openRetryingLayer },
  'postgres-js': { title: 'drizzle/postgres-js', open: openPostgresJs },
  'node-postgres': { title: 'drizzle/node-postgres', open: openNodePostgres },
  'bun-sql': { title: 'drizzle/bun-sql', open: openBunSql },
} satisfies Record<string, { title: string; open: (url: string) => Promise<Peer> }>

export type PeerId = keyof typeof peers

export const peerIds = Object.keys(peers) as PeerId[]

const retryReads = { retryReads: true } as Partial<ConnectionOptions>

/** The peers that can run: a layer without the option `retryReads` has no column for it. */
export function availablePeers(): PeerId[] {
  try {
    createDatabase({ name: 'probe', url: 'postgres://nobody@127.0.0.1/nothing', connection: retryReads })
    return peerIds
  } catch {
    return peerIds.filter((id) => id !== 'layer-retry-reads')
  }
}

const numbered = (n: number) => sql`select ${n}::int as n`
const sleeping = (seconds: number) => sql`select pg_sleep(${seconds}::float8)`
const numberIn = (rows: unknown): unknown => (rows as { n: unknown }[])[0]?.n

function peerOf<T>(execute: (query: SQL) => PromiseLike<T>, read: (answer: T) => unknown): Peer {
  return {
    ask: async (n) => read(await execute(numbered(n))),
    sleep: async (seconds) => execute(sleeping(seconds)),
  }
}

async function openLayer(url: string, connection: Partial<ConnectionOptions> = {}): Promise<Peer> {
  const database = createDatabase({ name: 'faults', url, pool: { poolSize: schedule.poolSize }, connection })
  return {
    ...peerOf((query) => database.db.execute(query), numberIn),
    // A report belongs on a connection of its own, as the guide says: a short statement could be sent right behind it.
    sleep: (seconds) => database.use(({ db }) => db.execute(sleeping(seconds))),
  }
}

function openRetryingLayer(url: string): Promise<Peer> {
  return openLayer(url, retryReads)
}

async function openPostgresJs(url: string): Promise<Peer> {
  const { drizzle } = await import('drizzle-orm/postgres-js')
  const { default: postgres } = await import('postgres')
  const db = drizzle({ client: postgres(url, { max: schedule.poolSize, onnotice: () => {} }) })
  return peerOf((query) => db.execute(query), numberIn)
}

async function openNodePostgres(url: string): Promise<Peer> {
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const { default: pg } = await import('pg')
  const db = drizzle({ client: new pg.Pool({ connectionString: url, max: schedule.poolSize }) })
  return peerOf(
    (query) => db.execute(query),
    ({ rows }) => numberIn(rows),
  )
}

async function openBunSql(url: string): Promise<Peer> {
  const { drizzle } = await import('drizzle-orm/bun-sql')
  const db = drizzle({ client: new Bun.SQL(url, { max: schedule.poolSize }) })
  return peerOf((query) => db.execute(query), numberIn)
}
