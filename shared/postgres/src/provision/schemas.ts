import type { AdminSql } from '../admin-connection.ts'
import { quoteIdentifier } from './quote.ts'
import type { ServiceRoles } from './service-roles.ts'

/** The service's schemas, in its owner's hands; each statement can run again, in the service's database. */
export function schemaOwnership(service: ServiceRoles): string[] {
  const owner = quoteIdentifier(service.owner)
  return [
    `CREATE SCHEMA IF NOT EXISTS public AUTHORIZATION ${owner}`,
    `CREATE SCHEMA IF NOT EXISTS drizzle AUTHORIZATION ${owner}`,
    `ALTER SCHEMA public OWNER TO ${owner}`,
    `ALTER SCHEMA drizzle OWNER TO ${owner}`,
  ]
}

/**
 * Gives the rows in `public` to the runtime role, now and for what is made later; each statement can run again.
 *
 * `drizzle` holds the journal of migrations. The runtime role may read it, so that a service knows which are pending.
 */
export function schemaGrants(service: ServiceRoles): string[] {
  const app = quoteIdentifier(service.app.name)
  const later = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(service.owner)}`
  return [
    `REVOKE ALL ON SCHEMA public FROM PUBLIC`,
    `REVOKE CREATE ON SCHEMA public FROM ${app}`,
    `REVOKE ALL ON SCHEMA drizzle FROM PUBLIC`,
    `REVOKE CREATE ON SCHEMA drizzle FROM ${app}`,
    `GRANT USAGE ON SCHEMA public, drizzle TO ${app}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${app}`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${app}`,
    `GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO ${app}`,
    `REVOKE ALL ON ALL TABLES IN SCHEMA drizzle FROM ${app}`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA drizzle TO ${app}`,
    // Default privileges belong to the role that creates: without FOR ROLE they would be the admin's, and do nothing.
    `${later} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${app}`,
    `${later} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ${app}`,
    `${later} IN SCHEMA drizzle GRANT SELECT ON TABLES TO ${app}`,
    // PUBLIC's built-in rights can only be revoked for all schemas at once.
    `${later} REVOKE EXECUTE ON ROUTINES FROM PUBLIC`,
    `${later} REVOKE USAGE ON TYPES FROM PUBLIC`,
    `${later} IN SCHEMA public GRANT EXECUTE ON ROUTINES TO ${app}`,
    `${later} IN SCHEMA public GRANT USAGE ON TYPES TO ${app}`,
  ]
}

/** Whether {@link schemaOwnership} and {@link schemaGrants} would change nothing in the connected database. */
export async function areSchemasInOrder(sql: AdminSql, { owner, app }: ServiceRoles): Promise<boolean> {
  // CASE, as nothing else keeps has_sequence_privilege from being called on what is no sequence.
  const [row] = await sql<{ schemas: string; objects: boolean; defaults: string }[]>`
    select
      (select coalesce(json_agg(format('%s of %s: %s %s', nspname, o.rolname, coalesce(g.rolname, 'PUBLIC'), a.privilege_type)), '[]')
        from pg_namespace n join pg_roles o on o.oid = n.nspowner,
          aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a left join pg_roles g on g.oid = a.grantee
        where nspname in ('public', 'drizzle') and (a.grantee = 0 or g.rolname in (${owner}, ${app.name})))::text as schemas,
      not exists (select from pg_class c where relnamespace = 'public'::regnamespace and not case
          when relkind in ('r', 'p', 'v', 'm', 'f') then has_table_privilege(${app.name}, c.oid, 'SELECT')
            and has_table_privilege(${app.name}, c.oid, 'INSERT') and has_table_privilege(${app.name}, c.oid, 'UPDATE')
            and has_table_privilege(${app.name}, c.oid, 'DELETE')
          when relkind = 'S' then has_sequence_privilege(${app.name}, c.oid, 'USAGE')
            and has_sequence_privilege(${app.name}, c.oid, 'SELECT')
          else true end)
        and not exists (select from pg_class c where relnamespace = to_regnamespace('drizzle')
          and case when relkind in ('r', 'p', 'v', 'm', 'f') then not has_table_privilege(${app.name}, c.oid, 'SELECT') else false end)
        and not exists (select from pg_proc p where pronamespace = 'public'::regnamespace
          and not has_function_privilege(${app.name}, p.oid, 'EXECUTE')) as objects,
      (select coalesce(json_agg(format('%s %s: %s %s', coalesce(n.nspname, '*'), defaclobjtype, coalesce(g.rolname, 'PUBLIC'), a.privilege_type)), '[]')
        from pg_default_acl d join pg_roles o on o.oid = d.defaclrole left join pg_namespace n on n.oid = d.defaclnamespace,
          aclexplode(defaclacl) a left join pg_roles g on g.oid = a.grantee where o.rolname = ${owner})::text as defaults`
  if (row === undefined) return false
  const schemas: string[] = JSON.parse(row.schemas)
  const defaults: string[] = JSON.parse(row.defaults)
  const wantedSchemas = [
    ...['public', 'drizzle'].flatMap((schema) =>
      ['USAGE', 'CREATE'].map((privilege) => `${schema} of ${owner}: ${owner} ${privilege}`),
    ),
    `public of ${owner}: ${app.name} USAGE`,
    `drizzle of ${owner}: ${app.name} USAGE`,
  ]
  const wantedDefaults = [
    ...['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((privilege) => `public r: ${app.name} ${privilege}`),
    ...['USAGE', 'SELECT'].map((privilege) => `public S: ${app.name} ${privilege}`),
    `public f: ${app.name} EXECUTE`,
    `public T: ${app.name} USAGE`,
    `drizzle r: ${app.name} SELECT`,
    // That these rows are there says that PUBLIC's built-in right is not.
    `* f: ${owner} EXECUTE`,
    `* T: ${owner} USAGE`,
  ]
  return (
    row.objects &&
    wantedSchemas.length === schemas.length &&
    wantedSchemas.every((entry) => schemas.includes(entry)) &&
    wantedDefaults.every((entry) => defaults.includes(entry)) &&
    !['* f: PUBLIC EXECUTE', '* T: PUBLIC USAGE'].some((entry) => defaults.includes(entry))
  )
}
