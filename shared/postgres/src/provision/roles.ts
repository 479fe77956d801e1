import type { AdminSql } from '../admin-connection.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { matchesVerifier, scramVerifier } from './scram.ts'
import type { ServiceRoles } from './service-roles.ts'

/** What the admin role may do, which decides how things are done. */
export interface Admin {
  readonly name: string
  readonly superuser: boolean
  /** server_version_num: 180004 */
  readonly serverVersion: number
}

/** Whether something was there, and whether it had to be changed. */
export type Outcome = 'created' | 'updated' | 'unchanged'

interface RoleShape {
  name: string
  login: { password: string } | null
  inherit: boolean
  /** -1: no limit. */
  connectionLimit: number
}

interface RoleRow {
  rolcanlogin: boolean
  rolinherit: boolean
  rolconnlimit: number
  rolsuper: boolean
  rolcreatedb: boolean
  rolcreaterole: boolean
  rolreplication: boolean
  rolbypassrls: boolean
}

/** The three roles of a service, in the order in which they have to be made. */
export function roleShapes({ owner, migrator, app }: ServiceRoles): RoleShape[] {
  return [
    { name: owner, login: null, inherit: true, connectionLimit: -1 },
    { name: migrator.name, login: { password: migrator.password }, inherit: true, connectionLimit: -1 },
    {
      name: app.name,
      login: { password: app.password },
      inherit: false,
      connectionLimit: app.connectionLimit,
    },
  ]
}

/** Makes the role, or brings it to this shape. */
export async function ensureRole(sql: AdminSql, role: RoleShape, admin: Admin): Promise<Outcome> {
  const name = quoteIdentifier(role.name)
  const [row] = await sql<RoleRow[]>`select * from pg_roles where rolname = ${role.name}`
  const password = role.login === null ? '' : ` PASSWORD ${quoteLiteral(scramVerifier(role.login.password))}`
  if (row === undefined) {
    const login = role.login === null ? 'NOLOGIN' : 'LOGIN'
    const inherit = role.inherit ? 'INHERIT' : 'NOINHERIT'
    await sql.unsafe(
      `CREATE ROLE ${name} ${login} ${inherit} CONNECTION LIMIT ${role.connectionLimit}${password}`,
    )
    return 'created'
  }
  const differences = differencesOf(row, role)
  if (role.login !== null) {
    const known = await hasPassword(sql, role.name, role.login.password, admin)
    if (known === 'different') differences.push(password)
    // Nobody but a superuser can compare, so it is set again, which changes nothing if it was right.
    if (known === 'unknown') await sql.unsafe(`ALTER ROLE ${name}${password}`)
  }
  if (differences.length === 0) return 'unchanged'
  await sql.unsafe(`ALTER ROLE ${name} ${differences.join(' ')}`)
  return 'updated'
}

// Only what differs is named: a role that is no superuser may not even repeat NOSUPERUSER.
function differencesOf(row: RoleRow, role: RoleShape): string[] {
  const wanted: [boolean, string][] = [
    [row.rolsuper, 'NOSUPERUSER'],
    [row.rolcreatedb, 'NOCREATEDB'],
    [row.rolcreaterole, 'NOCREATEROLE'],
    [row.rolreplication, 'NOREPLICATION'],
    [row.rolbypassrls, 'NOBYPASSRLS'],
    [row.rolcanlogin !== (role.login !== null), role.login === null ? 'NOLOGIN' : 'LOGIN'],
    [row.rolinherit !== role.inherit, role.inherit ? 'INHERIT' : 'NOINHERIT'],
    [row.rolconnlimit !== role.connectionLimit, `CONNECTION LIMIT ${role.connectionLimit}`],
  ]
  return wanted.filter(([differs]) => differs).map(([, clause]) => clause)
}

async function hasPassword(
  sql: AdminSql,
  name: string,
  password: string,
  admin: Admin,
): Promise<'same' | 'different' | 'unknown'> {
  if (!admin.superuser) return 'unknown'
  const [row] = await sql<{ rolpassword: string | null }[]>`
    select rolpassword from pg_authid where rolname = ${name}`
  return matchesVerifier(password, row?.rolpassword ?? null) ? 'same' : 'different'
}

interface Membership {
  role: string
  member: string
  grantor: string
}

/**
 * Makes the migrator the only member of the owner, and takes away every other membership among the given roles.
 *
 * An admin without superuser rights becomes a member of the owner too: PostgreSQL 16 and later demand that of who
 * creates a database for another role. Returns the roles that changed.
 */
export async function ensureMemberships(
  sql: AdminSql,
  service: ServiceRoles,
  everyRole: readonly string[],
  admin: Admin,
): Promise<Set<string>> {
  const changed = new Set<string>()
  const { owner, migrator, app } = service
  const own = [owner, migrator.name, app.name]
  const memberships = await sql<Membership[]>`
    select r.rolname as role, m.rolname as member, g.rolname as grantor from pg_auth_members a
    join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.grantor
    where m.rolname in ${sql(own)}`
  for (const { role, member, grantor } of memberships) {
    if ((role === owner && member === migrator.name) || !everyRole.includes(role)) continue
    await sql.unsafe(
      `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)} GRANTED BY ${quoteIdentifier(grantor)}`,
    )
    changed.add(member)
  }
  if (!memberships.some(({ role, member }) => role === owner && member === migrator.name)) {
    await sql.unsafe(`GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(migrator.name)}`)
    changed.add(migrator.name)
  }
  if (!admin.superuser) await joinOwner(sql, owner, admin)
  return changed
}

async function joinOwner(sql: AdminSql, owner: string, admin: Admin): Promise<void> {
  const [row] = await sql<{ usable: boolean }[]>`
    select pg_has_role(current_user, oid, 'USAGE') and pg_has_role(current_user, oid, ${admin.serverVersion >= 160_000 ? 'SET' : 'MEMBER'}) as usable
    from pg_roles where rolname = ${owner}`
  if (row?.usable === true) return
  const options = admin.serverVersion >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : ''
  await sql.unsafe(`GRANT ${quoteIdentifier(owner)} TO CURRENT_USER${options}`)
}
