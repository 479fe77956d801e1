import type { AdminSql } from '../admin-connection.ts'
import { ProvisionError } from '../errors.ts'
import { allRoles, type ServiceRoles, sharedDatabases } from './service-roles.ts'

/** What the admin role may do, which decides how things are done. */
export interface Admin {
  readonly name: string
  readonly superuser: boolean
  /** server_version_num: 180004 */
  readonly serverVersion: number
}

/** A role as it is. */
export interface RoleState {
  readonly canLogin: boolean
  readonly inherit: boolean
  readonly connectionLimit: number
  readonly superuser: boolean
  readonly createDb: boolean
  readonly createRole: boolean
  readonly replication: boolean
  readonly bypassRls: boolean
  readonly comment: string | null
  /** What the server keeps of its password; null where it has none, or the admin may not see it. */
  readonly verifier: string | null
  /** Whether the admin may change it. */
  readonly manageable: boolean
  /** Whether the admin has its rights, and may become it. */
  readonly usable: boolean
}

/** One role's membership in another. */
export interface Membership {
  readonly role: string
  readonly member: string
  readonly grantor: string
}

/** A database as it is. */
export interface DatabaseState {
  readonly owner: string
  /** Whether it lets connections in. */
  readonly open: boolean
  /** Privileges on it, built-in ones included; grantee null: PUBLIC. */
  readonly acl: readonly { readonly grantee: string | null; readonly privilege: string }[]
  /** Settings of roles in it: `auth_app:search_path=public`. */
  readonly settings: readonly string[]
  readonly comment: string | null
  /** Whether the admin may change it. */
  readonly manageable: boolean
}

/** What a server has of the databases and roles that services name, and of `postgres` and `template1`. */
export interface ServerState {
  readonly admin: Admin
  readonly roles: ReadonlyMap<string, RoleState>
  readonly memberships: readonly Membership[]
  readonly databases: ReadonlyMap<string, DatabaseState>
  /** Sessions of the services' roles in databases that those may not enter. */
  readonly intruders: number
}

/** Looks at the server without changing anything; throws ProvisionError for one that cannot be provisioned. */
export async function readServer(sql: AdminSql, services: readonly ServiceRoles[]): Promise<ServerState> {
  const admin = await readAdmin(sql)
  const names = allRoles(services)
  const [intruders] = await sql<{ count: number }[]>`
    select count(*)::int from pg_stat_activity where usename in ${sql(names)} and datname is not null
      and not has_database_privilege(usesysid, datid, 'CONNECT')`
  return {
    admin,
    roles: await readRoles(sql, admin, names),
    memberships: await sql<Membership[]>`
      select r.rolname as role, m.rolname as member, g.rolname as grantor from pg_auth_members a
      join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.grantor
      where m.rolname in ${sql(names)}`,
    databases: await readDatabases(sql, [...services.map(({ database }) => database), ...sharedDatabases]),
    intruders: intruders?.count ?? 0,
  }
}

async function readAdmin(sql: AdminSql): Promise<Admin> {
  const [row] = await sql<
    { version: number; standby: boolean; name: string; superuser: boolean; able: boolean }[]
  >`
    select current_setting('server_version_num')::int as version, pg_is_in_recovery() as standby,
      rolname as name, rolsuper as superuser, rolcreaterole and rolcreatedb as able
    from pg_roles where rolname = current_user`
  if (row === undefined) throw new Error('the admin role is not in pg_roles')
  const refuse = (code: 'UNSUPPORTED_SERVER' | 'INSUFFICIENT_PRIVILEGE', message: string): never => {
    throw new ProvisionError(code, 'look at the server', message)
  }
  if (row.version < 150_000)
    refuse('UNSUPPORTED_SERVER', 'the server is older than PostgreSQL 15: upgrade it')
  if (row.standby) refuse('UNSUPPORTED_SERVER', 'the server is a read-only standby: use the primary')
  if (!row.superuser && !row.able) {
    refuse(
      'INSUFFICIENT_PRIVILEGE',
      `"${row.name}" needs CREATEROLE and CREATEDB: grant them or use another admin`,
    )
  }
  return { name: row.name, superuser: row.superuser, serverVersion: row.version }
}

/** The roles of these names that exist. */
export async function readRoles(
  sql: AdminSql,
  admin: Admin,
  names: readonly string[],
): Promise<Map<string, RoleState>> {
  const list = sql([...names])
  // Since PostgreSQL 16 CREATEROLE alone changes no role that somebody else made.
  const strict = admin.serverVersion >= 160_000
  const rows = await sql<(Omit<RoleState, 'verifier' | 'manageable'> & { name: string; granted: boolean })[]>`
    select rolname as name, rolcanlogin as "canLogin", rolinherit as inherit, rolconnlimit as "connectionLimit",
      rolsuper as superuser, rolcreatedb as "createDb", rolcreaterole as "createRole",
      rolreplication as replication, rolbypassrls as "bypassRls", shobj_description(oid, 'pg_authid') as comment,
      pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') as granted,
      pg_has_role(current_user, oid, 'USAGE') and pg_has_role(current_user, oid, ${strict ? 'SET' : 'MEMBER'}) as usable
    from pg_roles where rolname in ${list}`
  const verifiers = new Map<string, string | null>()
  if (admin.superuser) {
    const known = await sql<{ name: string; verifier: string | null }[]>`
      select rolname as name, rolpassword as verifier from pg_authid where rolname in ${list}`
    for (const { name, verifier } of known) verifiers.set(name, verifier)
  }
  return new Map(
    rows.map(({ name, granted, ...role }) => {
      const manageable = admin.superuser || (!role.superuser && (granted || !strict))
      return [name, { ...role, manageable, verifier: verifiers.get(name) ?? null }]
    }),
  )
}

async function readDatabases(sql: AdminSql, names: readonly string[]): Promise<Map<string, DatabaseState>> {
  const rows = await sql<
    (Omit<DatabaseState, 'acl' | 'settings'> & Record<'name' | 'acl' | 'settings', string>)[]
  >`
    select datname as name, r.rolname as owner, datallowconn as open,
      shobj_description(b.oid, 'pg_database') as comment, pg_has_role(current_user, datdba, 'USAGE') as manageable,
      (select coalesce(json_agg(json_build_object('grantee', g.rolname, 'privilege', a.privilege_type)), '[]')
        from aclexplode(coalesce(datacl, acldefault('d', datdba))) a
        left join pg_roles g on g.oid = a.grantee)::text as acl,
      (select coalesce(json_agg(s.rolname || ':' || c), '[]') from pg_db_role_setting d
        join pg_roles s on s.oid = d.setrole, unnest(d.setconfig) as c where d.setdatabase = b.oid)::text as settings
    from pg_database b join pg_roles r on r.oid = b.datdba where datname in ${sql([...names])}`
  return new Map(
    rows.map(({ name, acl, settings, ...database }) => [
      name,
      { ...database, acl: JSON.parse(acl), settings: JSON.parse(settings) },
    ]),
  )
}
