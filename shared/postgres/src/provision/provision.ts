import { openSession, parseAdminUrl, type Session } from '../admin-connection.ts'
import { errorCode, ProvisionError } from '../errors.ts'
import { closeSharedDatabases, endForeignSessions, ensureDatabase, secureDatabase } from './databases.ts'
import { type Admin, ensureMemberships, ensureRole, type Outcome, roleShapes } from './roles.ts'
import { secureSchemas } from './schemas.ts'
import { allRoles, checkServices, type ServiceRoles } from './service-roles.ts'

/** What {@link provision} found and did. */
export interface ProvisionReport {
  readonly databases: readonly { readonly name: string; readonly outcome: Outcome }[]
  readonly roles: readonly { readonly name: string; readonly outcome: Outcome }[]
  /** What could not be done on this server, each with who could do it. */
  readonly warnings: readonly string[]
}

// Held by the one provisioner that works; the others wait.
const lockClass = 0x6c70
const lockId = 2
const lockTimeout = '60s'

/**
 * Brings a server to the state in which each service reaches its own database and nothing else.
 *
 * Can run again at any time, also from several processes at once. The admin is a superuser, or has CREATEROLE and
 * CREATEDB. Throws ProvisionError; passwords are in no message, and not in the server's log.
 */
export async function provision(options: {
  adminUrl: string
  services: readonly ServiceRoles[]
}): Promise<ProvisionReport> {
  const { adminUrl, services } = options
  const target = await step('read the admin URL', async () => parseAdminUrl(adminUrl))
  checkServices(services, target.user)
  const everyRole = allRoles(services)
  await using session = await connect(adminUrl, target.database)
  const { sql } = session
  const admin = await step('look at the server', () => inspect(session))
  await step('wait for other provisioners', async () => {
    await sql.unsafe(`SET lock_timeout = '${lockTimeout}'`)
    await sql`select pg_advisory_lock(${lockClass}, ${lockId})`
  })

  const roles = new Map<string, Outcome>()
  for (const role of services.flatMap(roleShapes)) {
    roles.set(role.name, await step(`role "${role.name}"`, () => ensureRole(sql, role, admin)))
  }
  for (const service of services) {
    const changed = await step(`memberships of "${service.service}"`, () =>
      ensureMemberships(sql, service, everyRole, admin),
    )
    for (const name of changed) if (roles.get(name) === 'unchanged') roles.set(name, 'updated')
  }
  const shared = await step('close "postgres" and "template1"', () => closeSharedDatabases(sql, everyRole))
  const databases: { name: string; outcome: Outcome }[] = []
  for (const service of services) {
    const name = service.database
    const created = await step(`database "${name}"`, () => ensureDatabase(sql, service))
    const grants = await step(`privileges on "${name}"`, () => secureDatabase(sql, service, everyRole))
    await using inside = await connect(adminUrl, name)
    const schemas = await step(`schemas of "${name}"`, () => secureSchemas(inside.sql, service))
    const outcome = [grants, schemas].includes('updated') ? 'updated' : 'unchanged'
    databases.push({ name, outcome: created ? 'created' : outcome })
  }
  const warnings = [...shared.warnings]
  try {
    await endForeignSessions(sql, everyRole)
  } catch (error) {
    if (errorCode(error) !== '42501') throw toProvisionError('end sessions that may not be there', error)
    warnings.push(
      'Sessions of service roles in databases they may no longer enter were left: the admin may not end them.',
    )
  }
  return {
    databases: [...databases, ...shared.databases],
    roles: [...roles].map(([name, outcome]) => ({ name, outcome })),
    warnings,
  }
}

function connect(adminUrl: string, database: string): Promise<Session> {
  return step(`connect to "${database}"`, () =>
    openSession(adminUrl, { database, applicationName: 'provisioner' }),
  )
}

async function inspect({ sql }: Session): Promise<Admin> {
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

async function step<T>(name: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn()
  } catch (error) {
    throw toProvisionError(name, error)
  }
}

// The driver's error is not kept as the cause: it carries the statement, and with it a password's verifier.
function toProvisionError(name: string, error: unknown): ProvisionError {
  if (error instanceof ProvisionError) return error
  const code = errorCode(error)
  const message = error instanceof Error ? error.message : 'unknown error'
  if (error instanceof TypeError) return new ProvisionError('INVALID_INPUT', name, message, code)
  if (code === '55P03') {
    return new ProvisionError(
      'BUSY',
      name,
      `another session held a lock for ${lockTimeout}; try again when it ended`,
      code,
    )
  }
  if (code === '42501') {
    const advice = 'run it as a superuser, or as the role that made what it is about'
    return new ProvisionError('INSUFFICIENT_PRIVILEGE', name, `${message}; ${advice}`, code)
  }
  if (name.startsWith('connect to')) {
    return new ProvisionError(
      'CONNECT_FAILED',
      name,
      `${message} (${code}); check the admin URL and the server`,
      code,
    )
  }
  return new ProvisionError(
    'FAILED',
    name,
    `${message} (${code ?? 'no code'}); what was done stays, run it again`,
    code,
  )
}
