import type { AdminSql } from '../admin-connection.ts'
import { roleSettings } from './databases.ts'
import { quoteIdentifier } from './quote.ts'
import type { ServiceRoles } from './service-roles.ts'

interface Setting {
  role: string
  /** null: in every database. */
  database: string | null
  name: string
  value: string
}

/**
 * A sentence for each setting on a service's login roles that the provisioner did not make, with what to do about it.
 *
 * PostgreSQL lets a role change its own settings and its own password, and nothing takes that from it: `ALTER ROLE … SET
 * statement_timeout = '1ms'` by a program that got hold of a connection ends the service's statements for as long as nobody resets it. A password
 * that was changed shows as a login that fails.
 */
export async function settingFindings(sql: AdminSql, service: ServiceRoles): Promise<string[]> {
  const { app, migrator, database } = service
  const settings = await sql<Setting[]>`
    select r.rolname as role, d.datname as database, split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase,
      unnest(s.setconfig) as c
    where r.rolname in ${sql([app.name, migrator.name])} order by 1, 2, 3`
  const wanted = roleSettings(service)
  return settings.flatMap((setting) => {
    const { role, name, value } = setting
    const own =
      setting.database === database ? wanted.find((w) => w.role === role && w.name === name) : undefined
    if (own === undefined)
      return [`${described(setting)}, which the provisioner did not make: run ${reset(setting)}`]
    return own.value === value ? [] : [`${described(setting)} with another value: run bun run db:provision`]
  })
}

const described = ({ role, database, name }: Setting): string =>
  `"${role}" has the setting ${name}${database === null ? '' : ` in database "${database}"`}`

function reset({ role, database, name }: Setting): string {
  const where = database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`
  return `ALTER ROLE ${quoteIdentifier(role)}${where} RESET ${quoteIdentifier(name)}`
}
