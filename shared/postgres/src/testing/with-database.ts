import { openSession } from '../admin-connection.ts'
import { databaseGrants, roleSettingStatements } from '../provision/databases.ts'
import { quoteIdentifier } from '../provision/quote.ts'
import type { ServiceRoles } from '../provision/service-roles.ts'
import { ensureTemplate, prepareDatabase, type Template } from './templates.ts'
import { type TestPostgres, testPostgres } from './test-postgres.ts'
import { ensureTestRoles, servicesOf, type TestDatabaseUrls, urlsOf } from './test-roles.ts'
import { dropDatabase, dropRoles, lockClasses, type TestRun, testRun } from './test-run.ts'

/** A database of one test's own, secured as the provisioner does it. */
export interface TestDatabase extends TestDatabaseUrls, AsyncDisposable {
  /** Ends the sessions in it and drops it. Idempotent; the end of the run drops what tests forgot. */
  drop(): Promise<void>
}

/** What {@link withDatabase} takes. */
export interface TestDatabaseOptions {
  /** What the database starts with. Default: empty schemas `public` and `drizzle`. */
  template?: Template
  /** Gives the roles their names: `auth` → `auth_owner`, `auth_migrator`, `auth_app`. Default `test`. */
  service?: string
  /**
   * Connection limit of the runtime role. Roles belong to the whole server, so with a limit this database gets roles of
   * its own, named after it, and is prepared from scratch. Default: no limit that a test would meet (150).
   */
  connectionLimit?: number
}

const rolesReady = new Map<string, Promise<ServiceRoles>>()

/**
 * Makes a fresh database on the run's server, as a copy of its template.
 *
 * With a function, the database is dropped when that has settled, and its result is returned.
 */
export function withDatabase(options?: TestDatabaseOptions): Promise<TestDatabase>
export function withDatabase<T>(
  options: TestDatabaseOptions,
  fn: (database: TestDatabase) => Promise<T> | T,
): Promise<T>
export async function withDatabase<T>(
  options: TestDatabaseOptions = {},
  fn?: (database: TestDatabase) => Promise<T> | T,
): Promise<TestDatabase | T> {
  const database = await createTestDatabase(options)
  if (fn === undefined) return database
  try {
    return await fn(database)
  } finally {
    await database.drop()
  }
}

async function createTestDatabase({
  template,
  service = 'test',
  connectionLimit,
}: TestDatabaseOptions): Promise<TestDatabase> {
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(service))
    throw new TypeError(`"${service}" is no service name: a-z, 0-9 and _, at most 31`)
  const server = await testPostgres()
  const run = await testRun(server)
  const number = run.next()
  const name = `test_${run.id}_${number}`
  run.databases.add(name)
  if (connectionLimit === undefined) {
    const roles = { ...(await sharedRoles(server, service)), database: name }
    await copyTemplate(run, await ensureTemplate(server, roles, template), roles)
    return handleOf(server, roles, null)
  }
  const roles = servicesOf(server.adminUrl, `${service}_${run.id}_${number}`, name, connectionLimit)
  await ensureTestRoles(run.sql, roles, server.external)
  await prepareDatabase(server, run.sql, roles, template)
  return handleOf(server, roles, roles.service)
}

function sharedRoles(server: TestPostgres, service: string): Promise<ServiceRoles> {
  const key = `${server.adminUrl} ${service}`
  const present = rolesReady.get(key)
  if (present !== undefined) return present
  const ready = makeSharedRoles(server, service)
  rolesReady.set(key, ready)
  ready.catch(() => rolesReady.delete(key))
  return ready
}

async function makeSharedRoles(server: TestPostgres, service: string): Promise<ServiceRoles> {
  const roles = servicesOf(server.adminUrl, service, '')
  await using session = await openSession(server.adminUrl, { applicationName: 'test roles' })
  await session.sql`select pg_advisory_lock(${lockClasses.roles}, 0)`
  await ensureTestRoles(session.sql, roles, server.external)
  return roles
}

async function copyTemplate(run: TestRun, template: string, roles: ServiceRoles): Promise<void> {
  const [name, owner, source] = [roles.database, roles.owner, template].map(quoteIdentifier)
  // Half the time of WAL_LOG here, as the server's checkpoints are cheap without fsync.
  await run.sql.unsafe(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${source} STRATEGY FILE_COPY`)
  // Neither privileges on the database nor roles' settings in it are copied.
  await run.sql.unsafe([...databaseGrants(roles, []), ...roleSettingStatements(roles)].join(';\n'))
}

function handleOf(server: TestPostgres, roles: ServiceRoles, ownRoles: string | null): TestDatabase {
  let dropped: Promise<void> | null = null
  const drop = async (): Promise<void> => {
    const run = await testRun(server)
    await dropDatabase(run.sql, roles.database)
    if (ownRoles !== null) await dropRoles(run.sql, ownRoles)
    run.databases.delete(roles.database)
  }
  return {
    ...urlsOf(server.adminUrl, roles),
    drop() {
      dropped ??= drop()
      return dropped
    },
    [Symbol.asyncDispose]() {
      return this.drop()
    },
  }
}
