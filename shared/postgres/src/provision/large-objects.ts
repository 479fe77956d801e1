import type { AdminSql } from '../admin-connection.ts'
import { quoteIdentifier } from './quote.ts'
import type { ServiceRoles } from './service-roles.ts'

// What else there is for large objects reads, changes and removes those that there are, by their owners.
const makers = ['lo_creat(integer)', 'lo_create(oid)', 'lo_from_bytea(oid, bytea)']

/** Makes large objects the superuser's alone, in the connected database: built in, every role may make them. */
export function largeObjectGrants({ app, migrator }: ServiceRoles): string[] {
  const roles = [app.name, migrator.name].map(quoteIdentifier).join(', ')
  return makers.map((maker) => `REVOKE EXECUTE ON FUNCTION pg_catalog.${maker} FROM PUBLIC, ${roles}`)
}

/** Whether a role may make large objects in the connected database. */
export async function mayMakeLargeObjects(sql: AdminSql, role: string): Promise<boolean> {
  const list = makers.map((maker) => `pg_catalog.${maker}`).join('\n')
  const [row] = await sql<{ may: boolean }[]>`
    select bool_or(has_function_privilege(${role}, maker, 'EXECUTE')) as may
    from unnest(string_to_array(${list}, ${'\n'})) as maker`
  return row?.may === true
}

/** For an admin who may not revoke what belongs to the superuser. */
export function largeObjectsLeft({ app, database }: ServiceRoles): string {
  return (
    `"${app.name}" can make large objects in "${database}", as every role can where no superuser forbids it: ` +
    'provision as a superuser, or let one revoke lo_creat, lo_create and lo_from_bytea from PUBLIC there.'
  )
}
