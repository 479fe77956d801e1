import { createHash } from 'node:crypto'
import { type AdminSql, openSession } from '../admin-connection.ts'
import { createDatabase, databaseGrants, roleSettingStatements } from '../provision/databases.ts'
import { largeObjectGrants } from '../provision/large-objects.ts'
import { quoteIdentifier } from '../provision/quote.ts'
import { schemaGrants, schemaOwnership } from '../provision/schemas.ts'
import type { ServiceRoles } from '../provision/service-roles.ts'
import type { TestPostgres } from './test-postgres.ts'
import { type TestDatabaseUrls, urlsOf } from './test-roles.ts'
import { dropDatabase, lockClasses, lockIdOf } from './test-run.ts'

/** What the databases of a test start with. */
export interface Template {
  /** Names the contents; see `templateKey` for one that follows the migrations. */
  key: string
  /** Fills the database once, as a rule by running the migrations. */
  prepare(database: TestDatabaseUrls): Promise<void>
}

/** What secures a service's database: the statements of the provisioner, in their order. */
export interface Provisioning {
  create: string
  /** On the server, while nobody can connect yet. */
  doors: readonly string[]
  /** In the database. */
  inside: readonly string[]
}

/** The statements that make and secure the service's database. */
export function provisioningOf(roles: ServiceRoles): Provisioning {
  return {
    create: createDatabase(roles),
    doors: [
      ...databaseGrants(roles, []),
      ...roleSettingStatements(roles),
      `ALTER DATABASE ${quoteIdentifier(roles.database)} ALLOW_CONNECTIONS true`,
    ],
    inside: [...schemaOwnership(roles), ...schemaGrants(roles), ...largeObjectGrants(roles)],
  }
}

/**
 * The name of the template that these statements make and `template` fills.
 *
 * A provisioner that grants something else gives another name, so that no test is given a database of the one before.
 */
export function templateName(provisioning: Provisioning, template: Template | undefined): string {
  const key = JSON.stringify([provisioning, template?.key ?? null])
  return `tpl_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`
}

const making = new Map<string, Promise<string>>()

/** The name of the ready template database, made now if nobody made it before: once among all files, runs and processes. */
export function ensureTemplate(
  server: TestPostgres,
  roles: ServiceRoles,
  template: Template | undefined,
): Promise<string> {
  // Its own name is not known yet, and is no part of what it holds.
  const name = templateName(provisioningOf({ ...roles, database: 'template' }), template)
  const memo = `${server.adminUrl} ${name}`
  const present = making.get(memo)
  if (present !== undefined) return present
  const made = makeOnce(server, { ...roles, database: `${name}_building` }, name, template)
  making.set(memo, made)
  // A failed preparation may succeed for the next test, and must not be remembered as this one's error.
  made.catch(() => making.delete(memo))
  return made
}

async function makeOnce(
  server: TestPostgres,
  building: ServiceRoles,
  name: string,
  template: Template | undefined,
): Promise<string> {
  await using session = await openSession(server.adminUrl, { applicationName: 'test template' })
  const { sql } = session
  await sql`select pg_advisory_lock(${lockClasses.template}, ${lockIdOf(name)})`
  const present = await sql`select from pg_database where datname = ${name}`
  if (present.length === 0) {
    await dropDatabase(sql, building.database)
    try {
      await prepareDatabase(server, sql, building, template)
      await closeDatabase(sql, building.database)
    } catch (error) {
      await dropDatabase(sql, building.database)
      throw error
    }
    await sql.unsafe(
      `ALTER DATABASE ${quoteIdentifier(building.database)} RENAME TO ${quoteIdentifier(name)}`,
    )
  }
  // When it was used last: those that nobody uses any more go after some days.
  await sql.unsafe(`COMMENT ON DATABASE ${quoteIdentifier(name)} IS '${new Date().toISOString()}'`)
  return name
}

/** Makes the service's database, secures it and fills it. */
export async function prepareDatabase(
  server: TestPostgres,
  sql: AdminSql,
  roles: ServiceRoles,
  template: Template | undefined,
): Promise<void> {
  const { create, doors, inside: secure } = provisioningOf(roles)
  await sql.unsafe(create)
  await sql.unsafe(doors.join(';\n'))
  const urls = urlsOf(server.adminUrl, roles)
  await using inside = await openSession(urls.adminUrl)
  await inside.run(secure.join(';\n'))
  if (template === undefined) return
  await template.prepare(urls)
  // What was made as the superuser has no default privileges: the runtime role gets its rights on it here.
  await inside.run(schemaGrants(roles).join(';\n'))
}

/** A database with a session in it cannot be copied: from now on nobody gets in. */
async function closeDatabase(sql: AdminSql, database: string): Promise<void> {
  await sql.unsafe(`ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS false`)
  await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${database}`
}
