import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { sql } from 'drizzle-orm'
import { type AdminDb, dropDatabase, lockClasses, lockIdOf, type TestRun } from './test-run.ts'

/** What fresh databases begin with. */
export interface Template {
  /** Names the contents: another key makes another template. */
  readonly key: string
  /** Fills the database that the URL leads to; once for all processes. */
  prepare(url: string): Promise<void>
}

// A change in how templates are made must not find those of before.
const format = 1

interface Made {
  readonly names: Map<string, Promise<string>>
  /** One at a time: a session that waits for the lock of one would hold that of another, which its holder may wait for. */
  turn: Promise<unknown>
}

const madeBy = new WeakMap<TestRun, Made>()

/** The name of the template's database: made by the first of all processes that asks for it, and kept for later runs. */
export function ensureTemplate(
  run: TestRun,
  template: Template,
  urlOf: (database: string) => string,
): Promise<string> {
  const id = createHash('sha256').update(`${format}\0${template.key}`).digest('hex').slice(0, 20)
  const made = madeBy.get(run) ?? { names: new Map(), turn: Promise.resolve() }
  madeBy.set(run, made)
  const present = made.names.get(id)
  if (present) return present
  const name = made.turn.then(() => makeOnce(run, id, (building) => template.prepare(urlOf(building))))
  made.names.set(id, name)
  // What fails now may work for the next test.
  made.turn = name.catch(() => made.names.delete(id))
  return name
}

async function makeOnce(
  { db, prefix }: TestRun,
  id: string,
  prepare: (building: string) => Promise<void>,
): Promise<string> {
  const name = `${prefix}_template_${id}`
  const lock = sql`(${lockClasses.template}::int, ${lockIdOf(id)}::int)`
  await db.execute(sql`select pg_advisory_lock${lock}`)
  try {
    const [present] = await db.execute(sql`select 1 from pg_database where datname = ${name}`)
    if (!present) await make(db, name, prepare)
    // When it was used last, for `dropLeftovers`.
    const [row] = await db.execute<{ now: string }>(sql`select now()::text as now`)
    await db.execute(sql.raw(`comment on database ${name} is '${row?.now}'`))
    return name
  } finally {
    await db.execute(sql`select pg_advisory_unlock${lock}`)
  }
}

/** Under another name until it is ready: what a process that is killed leaves is no template. */
async function make(db: AdminDb, name: string, prepare: (building: string) => Promise<void>): Promise<void> {
  const building = `${name}_building`
  await dropDatabase(db, building)
  await db.execute(sql.raw(`create database ${building}`))
  try {
    await prepare(building)
    // A database with a session in it can't be copied: from now on nobody gets in.
    await db.execute(sql.raw(`alter database ${building} allow_connections false`))
    await db.execute(
      sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${building}`,
    )
    await db.execute(sql.raw(`alter database ${building} rename to ${name}`))
  } catch (error) {
    await dropDatabase(db, building)
    throw error
  }
}

/** A key that is another one when a file in the folder is. */
export function folderKey(folder: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort()
  for (const file of files) {
    const content = readFileSync(file)
    hash.update(`${relative(folder, file)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}
