import { type ClusterServer, eventually, startCluster, type TestCluster } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
  findDatabaseError,
  sqlState,
} from '../../src/index.ts'

type Plain = Record<string, never>

/** A cluster with a table of writes, and the layer over all of its hosts. */
export interface World extends AsyncDisposable {
  readonly cluster: TestCluster
  /** The runtime role's URL with every host. */
  readonly url: string
  /** The same with the first server alone. */
  readonly appUrl: string
  /** The URL of the migrator on the first server. */
  readonly migratorUrl: string
  /** Handles of the layer, closed with the world. */
  open(options?: Partial<DatabaseOptions<Plain>>): Database<Plain>
  /** Asks one server, past the layer. */
  ask<T>(server: ClusterServer, text: string): Promise<T[]>
}

/** Starts a primary and standbys; with `isSynchronous` a commit waits until the first standby has replayed it. */
export async function startWorld({
  standbys = 1,
  isSynchronous = false,
  settings = {},
}: {
  standbys?: number
  isSynchronous?: boolean
  settings?: Readonly<Record<string, string>>
} = {}): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster({ standbys, settings }))
  const urls = await cluster.database()
  const ask = async <T>(server: ClusterServer, text: string): Promise<T[]> => {
    const url = server.url(urls.adminUrl)
    const admin = createDatabase({ name: 'admin', url, pool: { poolSize: 1, maxOverflow: 0 } })
    try {
      return (await admin.db.execute(sql.raw(text))) as unknown as T[]
    } finally {
      await admin.close()
    }
  }
  const migrator = createDatabase({ name: 'migrator', url: urls.migratorUrl })
  await migrator.db.execute(sql`create table writes (id int not null, caller int not null)`)
  await migrator.close()
  if (isSynchronous) {
    const [first] = cluster.standbys
    await ask(cluster.primary, 'alter system set synchronous_commit = remote_apply')
    await ask(cluster.primary, `alter system set synchronous_standby_names = '"${first?.name}"'`)
    await ask(cluster.primary, 'select pg_reload_conf()')
    await eventually(async () => {
      const [row] = await ask<{ names: string }>(
        cluster.primary,
        `select current_setting('synchronous_standby_names') as names`,
      )
      return row?.names !== ''
    })
    // Commits wait from the moment on that the checkpointer has read it, too, which nothing shows.
    for (let i = 0; i < 2; i++) await ask(cluster.primary, 'checkpoint')
  }
  await Promise.all(cluster.standbys.map((standby) => cluster.caughtUp(standby)))
  const { username, password, pathname } = new URL(urls.appUrl)
  const hosts = cluster.servers.map(({ host, port }) => `${host}:${port}`).join()
  const url = `postgresql://${username}:${password}@${hosts}${pathname}`
  const owned = stack.move()
  return {
    cluster,
    url,
    appUrl: urls.appUrl,
    migratorUrl: urls.migratorUrl,
    ask,
    open(options = {}) {
      const database = createDatabase<Plain>({ name: 'cluster', url, ...options })
      owned.defer(() => database.close({ timeoutMs: 500 }))
      return database
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What became of the statements of a load, by their outcome. */
export interface Tally {
  /** Ids of writes that were answered. */
  readonly written: Set<number>
  /** Ids of writes that may have happened. */
  readonly unknown: Set<number>
  /** Failures by the code of the layer's error and its outcome, or the SQLSTATE. */
  readonly failures: Record<string, number>
  /** When the last write was answered, on performance.now's clock. */
  lastWriteAt: number
  reads: number
}

/** Callers that write and read, each by turns, until it is stopped. */
export function startLoad(
  database: Database<Plain>,
  { callers = 20, isTransactional = false }: { callers?: number; isTransactional?: boolean } = {},
): { readonly tally: Tally; stop(): Promise<void> } {
  const tally: Tally = { written: new Set(), unknown: new Set(), failures: {}, lastWriteAt: 0, reads: 0 }
  let isOver = false
  let ids = 0
  const fail = (kind: string, error: unknown) => {
    const known = findDatabaseError(error) as { code: string; outcome?: string } | null
    const name = `${kind} ${known ? [known.code, known.outcome].filter(Boolean).join(' ') : sqlState(error)}`
    tally.failures[name] = (tally.failures[name] ?? 0) + 1
    return known?.outcome
  }
  const write = async (id: number, caller: number) => {
    try {
      const insert = sql`insert into writes values (${id}, ${caller})`
      if (isTransactional) await database.transaction((tx) => tx.execute(insert))
      else await database.db.execute(insert)
      tally.written.add(id)
      tally.lastWriteAt = performance.now()
    } catch (error) {
      if (fail('write', error) === 'unknown') tally.unknown.add(id)
    }
  }
  const read = async (caller: number) => {
    try {
      await database.db.execute(sql`select count(*) from writes where caller = ${caller}`)
      tally.reads++
    } catch (error) {
      fail('read', error)
    }
  }
  const done = Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (!isOver) {
        if (caller % 2 === 0) await write(ids++, caller)
        else await read(caller)
        await new Promise(setImmediate)
      }
    }),
  )
  return {
    tally,
    async stop() {
      isOver = true
      await done
    },
  }
}

/** Compares what callers were told with what is there. */
export function audit({ written, unknown }: Tally, rows: readonly { id: number }[]) {
  const times = new Map<number, number>()
  for (const { id } of rows) times.set(id, (times.get(id) ?? 0) + 1)
  return {
    lost: [...written].filter((id) => !times.has(id)).length,
    twice: [...times.values()].filter((count) => count > 1).length,
    invented: [...times.keys()].filter((id) => !written.has(id) && !unknown.has(id)).length,
  }
}
