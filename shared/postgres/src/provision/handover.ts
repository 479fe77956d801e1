import type { AdminSql } from '../admin-connection.ts'

/**
 * Statements that give what is in the schemas of the connected database to another owner, one for each object.
 *
 * Not REASSIGN OWNED: that would also take the old owner's other databases. What belongs to an extension stays with it,
 * and a sequence of a column goes with its table.
 */
export async function handOverStatements(sql: AdminSql, owner: string): Promise<string[]> {
  const rows = await sql<{ statement: string }[]>`
    with wanted as (select oid, nspname from pg_namespace where nspname in ('public', 'drizzle')),
    receiver as (select (select oid from pg_roles where rolname = ${owner}) as oid)
    select format('ALTER %s %I.%I OWNER TO %I', case relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW'
        when 'S' then 'SEQUENCE' when 'f' then 'FOREIGN TABLE' when 'c' then 'TYPE' else 'TABLE' end,
        nspname, relname, ${owner}::text) as statement, 1 as kind, relname::text as name
      from pg_class c join wanted n on n.oid = relnamespace, receiver
      where relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and relowner is distinct from receiver.oid
        and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid
          and (deptype = 'e' or (relkind = 'S' and deptype in ('a', 'i') and refobjsubid > 0)))
    union all
    select format('ALTER TYPE %I.%I OWNER TO %I', nspname, typname, ${owner}::text), 2, typname::text
      from pg_type t join wanted n on n.oid = typnamespace, receiver
      where typtype in ('d', 'e', 'r') and typowner is distinct from receiver.oid
        and not exists (select from pg_depend where classid = 'pg_type'::regclass and objid = t.oid and deptype = 'e')
    union all
    select format('ALTER ROUTINE %I.%I(%s) OWNER TO %I', nspname, proname, pg_get_function_identity_arguments(p.oid),
        ${owner}::text), 3, proname::text
      from pg_proc p join wanted n on n.oid = pronamespace, receiver
      where proowner is distinct from receiver.oid
        and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype in ('e', 'i'))
    order by kind, name`
  return rows.map(({ statement }) => statement)
}
