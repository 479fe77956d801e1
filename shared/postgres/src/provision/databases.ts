import type { AdminSql } from '../admin-connection.ts'
import { errorCode } from '../errors.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { Outcome } from './roles.ts'
import { type ServiceRoles, sharedDatabases } from './service-roles.ts'

/** Makes the service's database if it is missing, with its doors still closed: {@link secureDatabase} opens them. */
export async function ensureDatabase(sql: AdminSql, { database, owner }: ServiceRoles): Promise<boolean> {
  const present = await sql`select from pg_database where datname = ${database}`
  if (present.length > 0) return false
  // PUBLIC may connect to a new database. Without connections nobody gets in before the REVOKE.
  await sql.unsafe(
    `CREATE DATABASE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(owner)}
     TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false`,
  )
  return true
}

/** Statements that leave the database to its service alone. Privileges are not copied from a template: run it on each copy. */
export function databaseGrants(service: ServiceRoles, everyRole: readonly string[]): string[] {
  const { database, owner, migrator, app } = service
  const name = quoteIdentifier(database)
  const others = everyRole.filter((role) => ![owner, migrator.name, app.name].includes(role))
  return [
    `REVOKE ALL ON DATABASE ${name} FROM ${['PUBLIC', ...others.map(quoteIdentifier)].join(', ')}`,
    `REVOKE CREATE, TEMPORARY ON DATABASE ${name} FROM ${quoteIdentifier(app.name)}, ${quoteIdentifier(migrator.name)}`,
    `GRANT CONNECT ON DATABASE ${name} TO ${quoteIdentifier(app.name)}, ${quoteIdentifier(migrator.name)}`,
  ]
}

/** Settings that roles get in their own database only. statement_timeout is the pool's affair. */
export function roleSettings({
  owner,
  migrator,
  app,
}: ServiceRoles): { role: string; name: string; value: string }[] {
  return [
    // What a migration makes belongs to the owner, so default privileges and later migrators agree.
    { role: migrator.name, name: 'role', value: owner },
    { role: migrator.name, name: 'search_path', value: 'public' },
    { role: app.name, name: 'search_path', value: 'public' },
    { role: app.name, name: 'idle_in_transaction_session_timeout', value: '60s' },
  ]
}

/** Statements for {@link roleSettings}. */
export function roleSettingStatements(service: ServiceRoles): string[] {
  return roleSettings(service).map(
    ({ role, name, value }) =>
      `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(service.database)} SET ${name} TO ${quoteLiteral(value)}`,
  )
}

/** Gives the database to its service alone, then lets connections in. */
export async function secureDatabase(
  sql: AdminSql,
  service: ServiceRoles,
  everyRole: readonly string[],
): Promise<Outcome> {
  const name = quoteIdentifier(service.database)
  const before = await stateOf(sql, service.database)
  if (before?.owner !== service.owner) {
    await sql.unsafe(`ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(service.owner)}`)
  }
  for (const statement of databaseGrants(service, everyRole)) await sql.unsafe(statement)
  const wanted = roleSettings(service).map(({ role, name: setting, value }) => `${role}:${setting}=${value}`)
  if (!wanted.every((setting) => before?.settings.includes(setting))) {
    for (const statement of roleSettingStatements(service)) await sql.unsafe(statement)
  }
  if (before?.open !== true) await sql.unsafe(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  const after = await stateOf(sql, service.database)
  return JSON.stringify(before) === JSON.stringify(after) ? 'unchanged' : 'updated'
}

interface DatabaseState {
  owner: string
  open: boolean
  acl: string | null
  settings: string[]
}

async function stateOf(sql: AdminSql, database: string): Promise<DatabaseState | undefined> {
  const [row] = await sql<{ owner: string; open: boolean; acl: string | null; settings: string }[]>`
    select r.rolname as owner, datallowconn as open, datacl::text as acl, coalesce((
        select json_agg(s.rolname || ':' || c order by s.rolname, c) from pg_db_role_setting d
        join pg_roles s on s.oid = d.setrole, unnest(d.setconfig) as c
        where d.setdatabase = b.oid)::text, '[]') as settings
    from pg_database b join pg_roles r on r.oid = b.datdba where datname = ${database}`
  return row === undefined ? undefined : { ...row, settings: JSON.parse(row.settings) }
}

/**
 * Closes `postgres` and `template1`, which every role can enter otherwise.
 *
 * On a managed server they may belong to somebody else: that comes back as a warning, as it cannot be done.
 */
export async function closeSharedDatabases(
  sql: AdminSql,
  everyRole: readonly string[],
): Promise<{ databases: { name: string; outcome: Outcome }[]; warnings: string[] }> {
  const databases: { name: string; outcome: Outcome }[] = []
  const warnings: string[] = []
  for (const name of sharedDatabases) {
    if (!(await isOpenTo(sql, name, everyRole))) {
      databases.push({ name, outcome: 'unchanged' })
      continue
    }
    const grantees = ['PUBLIC', ...everyRole.map(quoteIdentifier)].join(', ')
    try {
      await sql.unsafe(`REVOKE ALL ON DATABASE ${quoteIdentifier(name)} FROM ${grantees}`)
    } catch (error) {
      if (errorCode(error) !== '42501') throw error
    }
    const closed = !(await isOpenTo(sql, name, everyRole))
    databases.push({ name, outcome: closed ? 'updated' : 'unchanged' })
    if (!closed) {
      warnings.push(
        `Every role can still connect to "${name}", which belongs to another role: ` +
          `have its owner run REVOKE ALL ON DATABASE ${name} FROM PUBLIC.`,
      )
    }
  }
  return { databases, warnings }
}

async function isOpenTo(sql: AdminSql, database: string, roles: readonly string[]): Promise<boolean> {
  const rows = await sql`
    select from pg_database d, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
    left join pg_roles r on r.oid = a.grantee
    where datname = ${database} and (a.grantee = 0 or r.rolname = any(string_to_array(${roles.join('\n')}, ${'\n'})))`
  return rows.length > 0
}

/** Ends sessions of service roles in databases they may no longer enter: a REVOKE does not touch those that are in. */
export async function endForeignSessions(sql: AdminSql, everyRole: readonly string[]): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where usename = any(string_to_array(${everyRole.join('\n')}, ${'\n'})) and datname is not null
      and not has_database_privilege(usename, datname, 'CONNECT')`
}
