import { ConfigurationError } from '@shared/pool'
import { sql } from 'drizzle-orm'
import { formatDatabaseUrl } from '../connection/connection-string/format.ts'
import { parseConnectionString } from '../connection/connection-string/parse.ts'
import { parseTarget } from '../connection/target.ts'
import { createDatabase } from '../database.ts'
import type { Database, DatabaseOptions } from '../database-api.ts'
import type { DrizzleModel, NoModel } from '../drizzle/handle.ts'
import { migrate } from '../migrate/migrate.ts'
import { createRollbackDatabase } from './rollback-database.ts'
import { ensureTemplate, folderKey, type Template } from './templates.ts'
import { dropDatabase, testRun } from './test-run.ts'

/** Those of `createDatabase()`, for the test's database, and what it begins with. */
export interface TestDatabaseOptions<TModel extends DrizzleModel>
  extends Omit<DatabaseOptions<TModel>, 'name' | 'url' | 'hot'> {
  /** Any database of the server for tests, as a login that may create databases (CREATEDB). Nothing in that database is touched. */
  url: string
  /** Default: test. */
  name?: string
  /** drizzle-kit's output folder: the database has these migrations applied. */
  migrationsFolder?: string
  /** What the database begins with, in place of `migrationsFolder`. Default: nothing. */
  template?: Template
}

/** A database of one test's own, or of one file's. */
export interface TestDatabase<TModel extends DrizzleModel> extends AsyncDisposable {
  /** Its name on the server. */
  readonly name: string
  /** Leads to it, as the login that made it. */
  readonly url: string
  /** The layer over it, with the options given. */
  readonly database: Database<TModel>
  /** How long it took in ms to make it, without the template. */
  readonly tookMs: number
  /**
   * Another handle on it, whose work is undone by its `close()`: see `createRollbackDatabase()`.
   *
   * @param options In place of those given before.
   */
  rollback(options?: Partial<DatabaseOptions<TModel>>): Database<TModel>
  /** Closes `database`, and drops the database with whatever is connected to it. Idempotent; disposing it does the same. */
  drop(): Promise<void>
}

/**
 * Makes a fresh database as a copy of a template that has the migrations applied. The template is made once for all processes, and
 * kept; another content of the folder makes another one. What a run that was killed has left is dropped by the next one.
 *
 * @throws {ConfigurationError} for a wrong URL or option; ConnectError; MigrationError; and what the server answers to
 *   CREATE DATABASE: 42501 where the login may not.
 */
export async function createTestDatabase<TModel extends DrizzleModel = NoModel>(
  options: TestDatabaseOptions<TModel>,
): Promise<TestDatabase<TModel>> {
  const { url: adminUrl, name: poolName = 'test', migrationsFolder, template, ...rest } = options
  const run = await testRun(adminUrl)
  const urlOf = (database: string) => withDatabase(adminUrl, database)
  const source = await ensureTemplate(run, templateOf(migrationsFolder, template), urlOf)
  const startedAt = performance.now()
  const name = run.nextName()
  await run.db.execute(sql.raw(`create database ${name} template ${source} ${run.strategy}`))
  const tookMs = performance.now() - startedAt
  const url = urlOf(name)
  const own = { ...rest, name: poolName, url }
  const database = createDatabase<TModel>(own)
  let dropped: Promise<void> | null = null
  async function dropNow(): Promise<void> {
    await database.close({ timeoutMs: 1_000 })
    await dropDatabase(run.db, name)
  }
  const drop = (): Promise<void> => {
    dropped ??= dropNow()
    return dropped
  }
  return {
    name,
    url,
    database,
    tookMs,
    rollback: (other = {}) => createRollbackDatabase<TModel>({ ...own, ...other }),
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

function templateOf(migrationsFolder: string | undefined, template: Template | undefined): Template {
  if (template && migrationsFolder !== undefined)
    throw new ConfigurationError(
      'Options template and migrationsFolder are both given: the template applies them itself.',
    )
  if (template) return template
  if (migrationsFolder === undefined) return { key: 'empty', prepare: async () => {} }
  return {
    key: `migrations ${folderKey(migrationsFolder)}`,
    prepare: async (url) => void (await migrate({ url, migrationsFolder })),
  }
}

/** The same connection string with another database. */
function withDatabase(url: string, database: string): string {
  const { hosts, user, password } = parseTarget(url)
  const read = parseConnectionString(url)
  const { connection, parameters } = 'parts' in read ? read.parts : { connection: {}, parameters: {} }
  return formatDatabaseUrl({
    hosts,
    user,
    password,
    database,
    sslMode: connection.sslMode ?? 'prefer',
    parameters,
  })
}
