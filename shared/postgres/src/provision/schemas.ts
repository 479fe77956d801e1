import type { AdminSql } from '../admin-connection.ts'
import { quoteIdentifier } from './quote.ts'
import type { Outcome } from './roles.ts'
import type { ServiceRoles } from './service-roles.ts'

/**
 * Gives the schemas to the owner, and the rows in `public` to the runtime role, now and for what is made later.
 *
 * `drizzle` holds the journal of migrations, which only the migrator needs. Connect to the service's database for it.
 */
export async function secureSchemas(sql: AdminSql, service: ServiceRoles): Promise<Outcome> {
  const before = await stateOf(sql)
  // Several statements in one message are one transaction: a running service never sees a state in between.
  await sql.unsafe(schemaStatements(service).join(';\n'))
  return before === (await stateOf(sql)) ? 'unchanged' : 'updated'
}

/** The statements of {@link secureSchemas}; each can run again. */
export function schemaStatements(service: ServiceRoles): string[] {
  const owner = quoteIdentifier(service.owner)
  const app = quoteIdentifier(service.app.name)
  const later = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner}`
  return [
    `CREATE SCHEMA IF NOT EXISTS public AUTHORIZATION ${owner}`,
    `CREATE SCHEMA IF NOT EXISTS drizzle AUTHORIZATION ${owner}`,
    `ALTER SCHEMA public OWNER TO ${owner}`,
    `ALTER SCHEMA drizzle OWNER TO ${owner}`,
    `REVOKE ALL ON SCHEMA public FROM PUBLIC`,
    `REVOKE CREATE ON SCHEMA public FROM ${app}`,
    `REVOKE ALL ON SCHEMA drizzle FROM PUBLIC, ${app}`,
    `GRANT USAGE ON SCHEMA public TO ${app}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${app}`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${app}`,
    `GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO ${app}`,
    // Default privileges belong to the role that creates: without FOR ROLE they would be the admin's, and do nothing.
    `${later} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${app}`,
    `${later} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ${app}`,
    // PUBLIC's built-in rights can only be taken away for all schemas at once.
    `${later} REVOKE EXECUTE ON ROUTINES FROM PUBLIC`,
    `${later} REVOKE USAGE ON TYPES FROM PUBLIC`,
    `${later} IN SCHEMA public GRANT EXECUTE ON ROUTINES TO ${app}`,
    `${later} IN SCHEMA public GRANT USAGE ON TYPES TO ${app}`,
  ]
}

async function stateOf(sql: AdminSql): Promise<string> {
  const [row] = await sql<{ state: string }[]>`
    select concat(
      (select string_agg(concat(nspname, nspowner, nspacl), ',' order by nspname) from pg_namespace
        where nspname in ('public', 'drizzle')),
      (select string_agg(concat(defaclrole, defaclnamespace, defaclobjtype, defaclacl), ',' order by oid) from pg_default_acl),
      (select md5(string_agg(concat(oid, relacl), ',' order by oid)) from pg_class where relnamespace = 'public'::regnamespace),
      (select md5(string_agg(concat(oid, proacl), ',' order by oid)) from pg_proc where pronamespace = 'public'::regnamespace)
    ) as state`
  return row?.state ?? ''
}
