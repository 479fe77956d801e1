import { openSession } from '../../src/admin-connection.ts'

/** All that a provisioner could change for others: every database and role of a server, as text. */
export async function snapshot(
  adminUrl: string,
): Promise<{ databases: string[]; roles: string[]; settings: string[] }> {
  await using session = await openSession(adminUrl)
  const { sql } = session
  const databases = await sql<{ line: string }[]>`
    select format('%s of %s, open %s, acl %s, comment %s', datname, datdba::regrole, datallowconn, datacl,
      shobj_description(oid, 'pg_database')) as line from pg_database order by datname`
  const roles = await sql<{ line: string }[]>`
    select format('%s %s, comment %s, member of %s', r.rolname, to_jsonb(a) - 'oid', shobj_description(r.oid, 'pg_authid'),
      (select array_agg(m.roleid::regrole order by m.roleid) from pg_auth_members m where m.member = r.oid)) as line
    from pg_roles r join pg_authid a on a.oid = r.oid where r.rolname !~ '^pg_' order by r.rolname`
  const settings = await sql<{ line: string }[]>`
    select format('%s %s %s', setdatabase, setrole, setconfig) as line from pg_db_role_setting order by 1`
  const lines = (rows: { line: string }[]): string[] => rows.map(({ line }) => line)
  return { databases: lines(databases), roles: lines(roles), settings: lines(settings) }
}

/** Who owns what in a database, and who may what: schemas, tables, types and routines outside the catalog. */
export async function contents(adminUrl: string, database: string): Promise<string[]> {
  await using session = await openSession(adminUrl, { database })
  const rows = await session.sql<{ line: string }[]>`
    select format('schema %s of %s, acl %s', nspname, nspowner::regrole, nspacl) as line
      from pg_namespace where nspname !~ '^(pg_|information_schema)'
    union all select format('%s %s of %s, acl %s', relkind, c.oid::regclass, relowner::regrole, relacl)
      from pg_class c where relnamespace = 'public'::regnamespace
    union all select format('type %s of %s', t.oid::regtype, typowner::regrole)
      from pg_type t where typnamespace = 'public'::regnamespace and typtype in ('d', 'e')
    union all select format('routine %s of %s, acl %s', p.oid::regprocedure, proowner::regrole, proacl)
      from pg_proc p where pronamespace = 'public'::regnamespace
    union all select format('defaults %s', defaclacl) from pg_default_acl
    order by 1`
  return rows.map(({ line }) => line)
}
