import { createHash, randomBytes } from 'node:crypto'
import { deferred } from '@shared/pool'
import { sql } from 'drizzle-orm'
import { parseTarget } from '../connection/target.ts'
import { createDatabase } from '../database.ts'
import type { DrizzleDatabase, NoModel } from '../drizzle/handle.ts'
import { sqlState } from '../errors.ts'

/** Drizzle on the one connection that makes and drops the databases of this process. */
export type AdminDb = DrizzleDatabase<NoModel>

/** This process's use of one server for tests. It lasts as long as the process, which it does not keep alive. */
export interface TestRun {
  readonly db: AdminDb
  /** A name for a new database, which other processes know to be in use. */
  nextName(): string
  /** How CREATE DATABASE copies a template: the end of its statement. */
  readonly strategy: string
  /** Begins the names of all that is made over this URL's database. */
  readonly prefix: string
}

/** Classes of advisory locks, in the database of the given URL. */
export const lockClasses = { run: 0x7d01, template: 0x7d02 }

const keptTemplates = '3 days'

const runs = new Map<string, Promise<TestRun>>()

/** The run over a URL; the first call drops what dead ones have left. */
export function testRun(url: string): Promise<TestRun> {
  const present = runs.get(url)
  if (present) return present
  const run = beginRun(url)
  runs.set(url, run)
  // What fails now may work for the next test.
  run.catch(() => runs.delete(url))
  return run
}

async function beginRun(url: string): Promise<TestRun> {
  const { database } = parseTarget(url)
  // Advisory locks are those of a database: who connects to another one does not see them, so its names are others.
  const prefix = `testdb_${hashOf(database).slice(0, 6)}`
  const id = randomBytes(4).toString('hex')
  const admin = createDatabase({
    name: `test run ${id}`,
    url,
    pool: { poolSize: 1, maxOverflow: 0, leakAfterMs: 0, recycleMs: Number.POSITIVE_INFINITY },
    connection: { allowExitOnIdle: true, prepare: false, definitionsCheckMs: 0 },
    // Its lock went with it: the next test begins another run.
    onEvent: ({ type }) => type === 'connection-lost' && runs.delete(url),
  })
  const begun = deferred<AdminDb>()
  admin
    .use(async ({ db }) => {
      // Before the first database of the run: another process would take it for a dead one's.
      await db.execute(sql`select pg_advisory_lock(${lockClasses.run}::int, ${lockIdOf(id)}::int)`)
      await dropLeftovers(db, prefix)
      begun.resolve(db)
      // The lock is the session's: it is held for as long as the process lives.
      await new Promise(() => {})
    })
    .catch(begun.reject)
  try {
    const db = await begun.promise
    let count = 0
    const strategy = await bestStrategy(db)
    return { db, prefix, strategy, nextName: () => `${prefix}_${id}_${++count}` }
  } catch (error) {
    await admin.close({ timeoutMs: 0 })
    throw error
  }
}

/**
 * A copy of files ends with the server writing all of it to the disk: without fsync, as servers for tests have it, it takes half
 * the time of a copy through the WAL, and with fsync three times as long. PostgreSQL 14 and older only copy files.
 */
async function bestStrategy(db: AdminDb): Promise<string> {
  const [server] = await db.execute<{ chooses: boolean; fsync: boolean }>(
    sql`select current_setting('server_version_num')::int >= 150000 as chooses, current_setting('fsync')::boolean as fsync`,
  )
  if (!server?.chooses) return ''
  return `strategy ${server.fsync ? 'wal_log' : 'file_copy'}`
}

/** Drops databases of processes that are gone, templates that were not finished, and those that nobody has used for days. */
async function dropLeftovers(db: AdminDb, prefix: string): Promise<void> {
  const rows = await db.execute<{ name: string; isOld: boolean }>(
    sql`select datname as name, coalesce(shobj_description(oid, 'pg_database')::timestamptz < now() - ${keptTemplates}::interval, false) as "isOld"
        from pg_database where datname like ${`${prefix}\\_%`} and datname ~ '^testdb_[0-9a-f]{6}_([0-9a-f]{8}_[0-9]+|template_[0-9a-f]{20}(_building)?)$'`,
  )
  for (const { name, isOld } of rows) {
    const [, template, run] = /_template_([0-9a-f]{20})|_([0-9a-f]{8})_[0-9]+$/.exec(name) ?? []
    if (template !== undefined && !isOld && !name.endsWith('_building')) continue
    const lock = template === undefined ? lockClasses.run : lockClasses.template
    await ifFree(db, lock, lockIdOf(template ?? run ?? ''), () => dropIfOwn(db, name))
  }
}

/** Runs `fn` where nobody holds the lock: who made it is gone. */
async function ifFree(db: AdminDb, lock: number, id: number, fn: () => Promise<void>): Promise<void> {
  const [row] = await db.execute<{ free: boolean }>(
    sql`select pg_try_advisory_lock(${lock}::int, ${id}::int) as free`,
  )
  if (!row?.free) return
  try {
    await fn()
  } finally {
    await db.execute(sql`select pg_advisory_unlock(${lock}::int, ${id}::int)`)
  }
}

/** Another login's is left to it. */
async function dropIfOwn(db: AdminDb, name: string): Promise<void> {
  try {
    await dropDatabase(db, name)
  } catch (error) {
    if (sqlState(error) !== '42501') throw error
  }
}

/** Ends the sessions in a database and drops it; nothing where it is gone. */
export async function dropDatabase(db: AdminDb, name: string): Promise<void> {
  await db.execute(sql.raw(`drop database if exists ${name} with (force)`))
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A number for a lock, from a name. */
export const lockIdOf = (name: string): number => createHash('sha256').update(name).digest().readInt32BE()
