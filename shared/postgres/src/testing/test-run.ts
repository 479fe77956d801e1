import { createHash, randomBytes } from 'node:crypto'
import { type AdminSql, openSession, type Session } from '../admin-connection.ts'
import { quoteIdentifier } from '../provision/quote.ts'

/** Advisory lock classes on the test server, in the admin URL's database. */
export const lockClasses = { run: 0x6c71, template: 0x6c72, roles: 0x6c73 } as const

const keepTemplatesDays = 3

/** This process's run: an id in the name of all it makes, and a lock that says the run lives. */
export interface TestRun {
  readonly id: string
  readonly sql: AdminSql
  /** Databases made and not dropped yet. */
  readonly databases: Set<string>
  /** The next number for a name. */
  next(): number
}

/** A stable 32-bit lock id for a name. */
export const lockIdOf = (name: string): number => createHash('sha256').update(name).digest().readInt32BE()

let current: { id: string; databases: Set<string>; count: number; session: Promise<Session> | null } | null =
  null

/** The run of this process on the given server; the first call drops what dead runs left. */
export async function testRun(server: { readonly adminUrl: string }): Promise<TestRun> {
  current ??= { id: randomBytes(4).toString('hex'), databases: new Set(), count: 0, session: null }
  const run = current
  run.session ??= openRunSession(server, run.id, () => {
    run.session = null
  })
  const { sql } = await run.session
  return { id: run.id, databases: run.databases, sql, next: () => ++run.count }
}

async function openRunSession(
  server: { readonly adminUrl: string },
  id: string,
  onLost: () => void,
): Promise<Session> {
  try {
    const session = await openSession(server.adminUrl, { applicationName: `test run ${id}`, onClose: onLost })
    // Before the first database of the run exists: another run would take it for a dead one's.
    await session.sql`select pg_advisory_lock(${lockClasses.run}, ${lockIdOf(id)})`
    await dropLeftovers(session.sql, id)
    return session
  } catch (error) {
    onLost()
    throw error
  }
}

/** Drops databases and roles of runs whose lock nobody holds, half-made templates, and templates unused for days. */
async function dropLeftovers(sql: AdminSql, ownId: string): Promise<void> {
  const rows = await sql<{ name: string; run: string }[]>`
    select datname as name, substring(datname from '^test_([0-9a-f]{8})_') as run from pg_database
    where datname ~ '^test_[0-9a-f]{8}_[0-9]+$'
    union all
    select rolname, substring(rolname from '_([0-9a-f]{8})_[0-9]+_app$') from pg_roles
    where rolname ~ '_[0-9a-f]{8}_[0-9]+_app$'`
  for (const run of new Set(rows.map((row) => row.run))) {
    if (run === ownId) continue
    await ifUnlocked(sql, lockClasses.run, lockIdOf(run), async () => {
      for (const { name } of rows.filter((row) => row.run === run)) {
        if (name.startsWith(`test_${run}_`)) await dropDatabase(sql, name)
        else await dropRoles(sql, name.replace(/_app$/, ''))
      }
    })
  }
  const stale = await sql<{ name: string }[]>`
    select datname as name from pg_database where datname ~ '^tpl_[0-9a-f]+(_building)?$' and (datname like '%building'
      or coalesce(shobj_description(oid, 'pg_database'), '') < ${new Date(Date.now() - keepTemplatesDays * 86_400_000).toISOString()})`
  for (const { name } of stale) {
    await ifUnlocked(sql, lockClasses.template, lockIdOf(name.replace('_building', '')), () =>
      dropDatabase(sql, name),
    )
  }
}

async function ifUnlocked(
  sql: AdminSql,
  lockClass: number,
  id: number,
  fn: () => Promise<void>,
): Promise<void> {
  const [row] = await sql<{ locked: boolean }[]>`select pg_try_advisory_lock(${lockClass}, ${id}) as locked`
  if (row?.locked !== true) return
  try {
    await fn()
  } finally {
    await sql`select pg_advisory_unlock(${lockClass}, ${id})`
  }
}

/** Drops a database and ends the sessions in it; fine if it is gone. */
export async function dropDatabase(sql: AdminSql, name: string): Promise<void> {
  await sql.unsafe(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
}

/** Drops the three roles of a service that has no database any more. */
export async function dropRoles(sql: AdminSql, service: string): Promise<void> {
  for (const kind of ['app', 'migrator', 'owner']) {
    await sql.unsafe(`DROP ROLE IF EXISTS ${quoteIdentifier(`${service}_${kind}`)}`)
  }
}

/** Drops the databases that tests of this run left, and ends the run. */
export async function endTestRun(): Promise<void> {
  const run = current
  current = null
  const session = await run?.session?.catch(() => null)
  if (run === null || session === undefined || session === null) return
  try {
    for (const name of run.databases) await dropDatabase(session.sql, name)
  } finally {
    await session.close()
  }
}
