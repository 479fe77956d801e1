import { type AdminSql, openSession, parseAdminUrl } from '../admin-connection.ts'
import { errorCode } from '../errors.ts'
import { type ConnectionCell, connectionMatrix } from './connection-matrix.ts'
import { mayMakeLargeObjects } from './large-objects.ts'
import { settingFindings } from './role-settings.ts'
import { type ServiceRoles, sharedDatabases } from './service-roles.ts'

/** What a login role may do with a database, as the server's catalog says. */
export interface PrivilegeCell {
  readonly role: string
  readonly database: string
  readonly connect: boolean
  readonly create: boolean
  readonly temporary: boolean
}

/** What {@link checkIsolation} saw. */
export interface IsolationReport {
  /** True if nothing was found. */
  readonly isolated: boolean
  /** Every login role against every service's database, `postgres` and `template1`: what a login really did. */
  readonly matrix: readonly ConnectionCell[]
  /** The same pairs by has_database_privilege. */
  readonly privileges: readonly PrivilegeCell[]
  /** One sentence for each thing that is not as it should be. */
  readonly findings: readonly string[]
}

/**
 * Proves that each service's roles reach their own database and no other, by logging in and by the catalog.
 *
 * Changes nothing. A finding is no error: this throws only if the admin cannot connect.
 */
export async function checkIsolation(options: {
  adminUrl: string
  services: readonly ServiceRoles[]
  /** Whether `postgres` and `template1` have to be closed too; false on a server that leaves them open. Default true. */
  sharedDatabases?: boolean
}): Promise<IsolationReport> {
  const { adminUrl, services } = options
  const shared = options.sharedDatabases === false ? [] : sharedDatabases
  const databases = [...services.map(({ database }) => database), ...shared]
  const matrix = await connectionMatrix(adminUrl, services, databases)
  const findings = matrix.filter(({ ok }) => !ok).map(describe)
  const privileges: PrivilegeCell[] = []

  await using session = await openSession(adminUrl, { database: parseAdminUrl(adminUrl).database })
  const { sql } = session
  const list = databases.join('\n')
  for (const service of services) {
    const { app, migrator, owner, database: own } = service
    for (const role of [app.name, migrator.name]) {
      const rows = await sql<PrivilegeCell[]>`
        select rolname as role, datname as database, has_database_privilege(r.oid, d.oid, 'CONNECT') as connect,
          has_database_privilege(r.oid, d.oid, 'CREATE') as create, has_database_privilege(r.oid, d.oid, 'TEMPORARY') as temporary
        from pg_roles r, pg_database d where rolname = ${role} and datname = any(string_to_array(${list}, ${'\n'}))
        order by array_position(string_to_array(${list}, ${'\n'}), datname::text)`
      privileges.push(...rows)
      findings.push(...rows.flatMap((cell) => findingsOf(cell, own, role === migrator.name)))
    }
    findings.push(
      ...(await attributeFindings(sql, app.name, owner)),
      ...(await settingFindings(sql, service)),
    )
  }
  const open = await sql<{ database: string; privilege: string }[]>`
    select datname as database, string_agg(privilege_type, ', ' order by privilege_type) as privilege
    from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0
      and datname = any(string_to_array(${list}, ${'\n'})) group by datname order by datname`
  findings.push(...open.map(({ database, privilege }) => `PUBLIC has ${privilege} on database "${database}"`))
  for (const service of services) findings.push(...(await insideFindings(adminUrl, service)))
  return { isolated: findings.length === 0, matrix, privileges, findings }
}

function describe({ role, database, expected, outcome }: ConnectionCell): string {
  return expected === 'connected'
    ? `"${role}" cannot connect to its own database "${database}" (${outcome})`
    : `"${role}" should get 42501 from database "${database}", and got ${outcome}`
}

function findingsOf(cell: PrivilegeCell, own: string, migrates: boolean): string[] {
  const { role, database } = cell
  const allowed = database === own
  const findings: string[] = []
  if (cell.connect !== allowed) {
    findings.push(`"${role}" ${allowed ? 'lacks' : 'has'} CONNECT on database "${database}"`)
  }
  // The migrator has the owner's rights at home, by membership.
  if (allowed && migrates) return findings
  if (cell.create) findings.push(`"${role}" has CREATE on database "${database}"`)
  if (cell.temporary) findings.push(`"${role}" has TEMPORARY on database "${database}"`)
  return findings
}

async function attributeFindings(sql: AdminSql, app: string, owner: string): Promise<string[]> {
  const rows = await sql<{ finding: string }[]>`
    select format('"%s" has the attribute %s', rolname, attribute) as finding from pg_roles, lateral (values
      ('SUPERUSER', rolsuper), ('CREATEDB', rolcreatedb), ('CREATEROLE', rolcreaterole), ('REPLICATION', rolreplication),
      ('BYPASSRLS', rolbypassrls), ('no CONNECTION LIMIT', rolconnlimit < 0)) as a (attribute, has)
    where rolname = ${app} and has
    union all
    select format('"%s" is a member of "%s"', m.rolname, r.rolname) from pg_auth_members a
    join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid where m.rolname = ${app}
    union all
    select format('"%s" can log in', rolname) from pg_roles where rolname = ${owner} and rolcanlogin
    union all
    select format('the role "%s" does not exist', name) from (values (${app}), (${owner})) as n (name)
    where not exists (select from pg_roles where rolname = name)`
  return rows.map(({ finding }) => finding)
}

async function insideFindings(adminUrl: string, { database, app, owner }: ServiceRoles): Promise<string[]> {
  try {
    await using session = await openSession(adminUrl, { database })
    const rows = await session.sql<{ finding: string }[]>`
      select format('"%s" can create in schema "%s" of "%s"', rolname, nspname, current_database()) as finding
      from pg_namespace n, pg_roles r where rolname = ${app.name} and has_schema_privilege(r.oid, n.oid, 'CREATE')
        and nspname not like 'pg\\_%'
      union all
      select format('"%s" owns %s of "%s"', rolname, c.oid::regclass, current_database())
      from pg_class c join pg_roles r on r.oid = c.relowner where rolname = ${app.name}
      union all
      select format('the schema "%s" of "%s" does not belong to "%s"', nspname, current_database(), ${owner}::text)
      from pg_namespace n join pg_roles r on r.oid = n.nspowner
      where nspname in ('public', 'drizzle') and rolname <> ${owner}`
    const makes = await mayMakeLargeObjects(session.sql, app.name)
    const largeObjects = makes
      ? [`"${app.name}" can make large objects in "${database}": provision as a superuser`]
      : []
    return [...rows.map(({ finding }) => finding), ...largeObjects]
  } catch (error) {
    return [`database "${database}" could not be looked into (${errorCode(error) ?? 'unknown error'})`]
  }
}
