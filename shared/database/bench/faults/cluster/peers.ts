import { eq } from 'drizzle-orm'
import { integer, type PgDatabase, type PgQueryResultHKT, pgTable, withReplicas } from 'drizzle-orm/pg-core'
import { createDatabase } from '../../../src/index.ts'
import { schedule } from './schedule.ts'

const writes = pgTable('writes', { id: integer().notNull(), caller: integer().notNull() })

/** The ways to a cluster. */
export interface Place {
  /** A URL with every server in it. */
  readonly all: string
  /** A URL whose host is led to the primary by somebody else: a switch before the servers. */
  readonly switched: string
  /** The standbys, each by itself, where they are read from; null: reads go to the primary. */
  readonly standbys: readonly string[] | null
}

/** A client of a cluster with a pool of its own. */
export interface Peer {
  write(id: number, caller: number): Promise<unknown>
  /** Whether the row is there, by a read. */
  isThere(id: number): Promise<boolean>
  /** Runs a write and the read of it together, where the peer has something for that. */
  together<T>(work: () => Promise<T>): Promise<T>
}

/** The lines of a table. Each opens pools of ten and leaves all other options at their defaults. */
export const peers = {
  layer: { title: 'this layer', open: openLayer },
  'postgres-js': { title: 'drizzle/postgres-js', open: openPostgresJs },
  'node-postgres': { title: 'drizzle/node-postgres', open: openNodePostgres },
} satisfies Record<string, { title: string; open: (place: Place) => Promise<Peer> }>

export type PeerId = keyof typeof peers

export const peerIds = Object.keys(peers) as PeerId[]

type Handle = PgDatabase<PgQueryResultHKT, Record<string, never>>

const peerOf = (db: Handle, reads: Pick<Handle, 'select'>): Peer => ({
  write: async (id, caller) => await db.insert(writes).values({ id, caller }),
  isThere: async (id) => (await reads.select().from(writes).where(eq(writes.id, id))).length > 0,
  together: (work) => work(),
})

/** As Drizzle reads from standbys: each read from one of them by chance. */
function drizzleOver(primary: Handle, standbys: readonly Handle[] | undefined): Peer {
  const [first, ...others] = standbys ?? []
  return peerOf(primary, first ? withReplicas(primary, [first, ...others]) : primary)
}

async function openLayer({ all, standbys }: Place): Promise<Peer> {
  const pool = { poolSize: schedule.poolSize }
  // The default where a URL has several hosts; behind a name it has to be asked for.
  const connection = { targetSessionAttrs: 'read-write' } as const
  const database = createDatabase({
    name: 'faults',
    url: all,
    pool,
    connection,
    ...(standbys && { replicas: {} }),
  })
  return {
    ...peerOf(database.db, standbys ? database.reads : database.db),
    together: (work) => database.within({}, work),
  }
}

async function openPostgresJs({ all, standbys }: Place): Promise<Peer> {
  const { drizzle } = await import('drizzle-orm/postgres-js')
  const { default: postgres } = await import('postgres')
  const options = { max: schedule.poolSize, onnotice: () => {} }
  const primary = drizzle({ client: postgres(all, { ...options, target_session_attrs: 'primary' }) })
  return drizzleOver(
    primary,
    standbys?.map((url) => drizzle({ client: postgres(url, options) })),
  )
}

async function openNodePostgres({ switched, standbys }: Place): Promise<Peer> {
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const { default: pg } = await import('pg')
  const open = (connectionString: string) => {
    const client = new pg.Pool({ connectionString, max: schedule.poolSize })
    // Without a listener an idle connection that is lost ends the process: its manual asks for one.
    client.on('error', () => {})
    return drizzle({ client })
  }
  return drizzleOver(open(switched), standbys?.map(open))
}
