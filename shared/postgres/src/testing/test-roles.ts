import { createHmac } from 'node:crypto'
import { type AdminSql, parseAdminUrl, withUrl } from '../admin-connection.ts'
import { quoteIdentifier } from '../provision/quote.ts'
import { alterRole, createRole, membershipChanges, roleShapes } from '../provision/roles.ts'
import { readServer } from '../provision/server-state.ts'
import { allRoles, type ServiceRoles } from '../provision/service-roles.ts'

/** A test database's name and the ways in. */
export interface TestDatabaseUrls {
  readonly name: string
  /** As superuser. */
  readonly adminUrl: string
  /** Acts as the owner. The owner itself cannot log in, so this is the migrator's URL. */
  readonly ownerUrl: string
  /** Logs in as `<service>_migrator`; what it makes belongs to `<service>_owner`. */
  readonly migratorUrl: string
  /** Logs in as `<service>_app`, the runtime role: rows only. */
  readonly appUrl: string
}

const marker = 'made by @shared/postgres/testing'

/** The roles of a service on a test server. Passwords follow from the admin's, so concurrent runs agree on them. */
export function servicesOf(
  adminUrl: string,
  service: string,
  database: string,
  connectionLimit = 150,
): ServiceRoles {
  const { password } = parseAdminUrl(adminUrl)
  const login = (name: string) => ({
    name,
    password: createHmac('sha256', password).update(name).digest('hex').slice(0, 32),
  })
  return {
    service,
    database,
    owner: `${service}_owner`,
    migrator: login(`${service}_migrator`),
    app: { ...login(`${service}_app`), connectionLimit },
  }
}

/** The URLs of one database for the roles of its service. */
export function urlsOf(adminUrl: string, { database, migrator, app }: ServiceRoles): TestDatabaseUrls {
  const migratorUrl = withUrl(adminUrl, { database, login: migrator })
  return {
    name: database,
    adminUrl: withUrl(adminUrl, { database }),
    ownerUrl: migratorUrl,
    migratorUrl,
    appUrl: withUrl(adminUrl, { database, login: app }),
  }
}

/**
 * Makes the service's roles or brings them to their state.
 *
 * On a server of somebody else, roles of the same name that were not made here are not touched: that throws.
 */
export async function ensureTestRoles(
  sql: AdminSql,
  service: ServiceRoles,
  external: boolean,
): Promise<void> {
  const names = allRoles([service])
  if (external) await refuseForeignRoles(sql, names)
  const { admin, roles, memberships } = await readServer(sql, [service])
  if (!admin.superuser) throw new Error('TEST_DATABASE_ADMIN_URL must log in as a superuser')
  const statements = roleShapes(service).flatMap((role) => {
    const present = roles.get(role.name)
    if (present !== undefined) return alterRole(role, present, admin).statements
    return [createRole(role), `COMMENT ON ROLE ${quoteIdentifier(role.name)} IS '${marker}'`]
  })
  const members = membershipChanges(service, names, memberships).map(({ statement }) => statement)
  const changes = [...statements, ...members]
  if (changes.length > 0) await sql.unsafe(changes.join(';\n'))
}

async function refuseForeignRoles(sql: AdminSql, names: readonly string[]): Promise<void> {
  const foreign = await sql<{ name: string }[]>`
    select rolname as name from pg_roles where rolname in ${sql([...names])}
      and shobj_description(oid, 'pg_authid') is distinct from ${marker}`
  if (foreign.length === 0) return
  throw new Error(
    `TEST_DATABASE_ADMIN_URL points to a server with real roles (${foreign.map(({ name }) => name).join(', ')}), ` +
      'whose passwords the tests would change. Use a server of its own for tests, or none: one is started then.',
  )
}
