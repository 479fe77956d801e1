import { openSession, parseAdminUrl, type Session } from '../admin-connection.ts'
import { errorCode, ProvisionError } from '../errors.ts'
import { executePlan } from './execute-plan.ts'
import { handOverStatements } from './handover.ts'
import { mayMakeLargeObjects } from './large-objects.ts'
import { type Contents, findForeign, makePlan, refusedPlan, standingOf } from './make-plan.ts'
import type { Named, ProvisionPlan } from './plan.ts'
import { refusalError } from './refusal.ts'
import { areSchemasInOrder } from './schemas.ts'
import { readServer, type ServerState } from './server-state.ts'
import { checkServices, type ServiceRoles } from './service-roles.ts'

/** What {@link provision} takes. */
export interface ProvisionOptions {
  readonly adminUrl: string
  readonly services: readonly ServiceRoles[]
  /**
   * Takes over databases and roles of the services' names that the provisioner has not made: owner, privileges,
   * passwords. Default false: then nothing at all is done.
   */
  readonly adopt?: boolean
  /** Takes from PUBLIC what it may do on `postgres` and `template1`, for every role of the server. Default false. */
  readonly closeSharedDatabases?: boolean
  /** Sees the plan before anything is done; what it throws ends the run with nothing done. */
  readonly onPlan?: (plan: ProvisionPlan) => void
}

/** What {@link provision} found and did. */
export interface ProvisionReport {
  readonly databases: readonly Named[]
  readonly roles: readonly Named[]
  /** What was left or could not be done on this server, each with who could do it. */
  readonly warnings: readonly string[]
}

// Held by the one provisioner that works; the others wait.
const lockClass = 0x6c70
const lockId = 2
const lockTimeout = '60s'

/**
 * Brings a server to the state in which each service reaches its own database and nothing else.
 *
 * Makes what is missing, and changes only what it has made itself, which it knows by a mark in the comment; all else is
 * refused before anything is done. Can run again at any time, also from several processes at once and after a failure at
 * any step. The admin is a superuser, or has CREATEROLE and CREATEDB. Throws ProvisionError; passwords are in no message,
 * and not in the server's log.
 */
export function provision(options: ProvisionOptions): Promise<ProvisionReport> {
  return withPlan(options, async (plan, admin) => {
    if (plan.refusals.length > 0) throw refusalError(plan.refusals, options.services)
    options.onPlan?.(plan)
    const connect = (database: string): Promise<Session> => connectTo(options.adminUrl, database)
    const warnings = await executePlan(plan, { admin, connect, step })
    return { databases: plan.databases, roles: plan.roles, warnings: [...plan.warnings, ...warnings] }
  })
}

/** What {@link provision} would do, refusals included; changes nothing. Throws ProvisionError. */
export function planProvision(options: ProvisionOptions): Promise<ProvisionPlan> {
  return withPlan(options, async (plan) => plan)
}

async function withPlan<T>(
  options: ProvisionOptions,
  use: (plan: ProvisionPlan, admin: Session) => Promise<T>,
): Promise<T> {
  const { adminUrl, services, adopt = false, closeSharedDatabases = false } = options
  const target = await step('read the admin URL', async () => parseAdminUrl(adminUrl))
  checkServices(services, target.user)
  await using session = await connectTo(adminUrl, target.database)
  const { sql } = session
  await step('wait for other provisioners', async () => {
    await session.run(`SET lock_timeout = '${lockTimeout}'`)
    await sql`select pg_advisory_lock(${lockClass}, ${lockId})`
  })
  const state = await step('look at the server', () => readServer(sql, services))
  const foreign = adopt ? [] : findForeign(services, state)
  if (foreign.length > 0) return await use(refusedPlan(foreign), session)
  const contents = await readContents(adminUrl, services, state)
  return await use(makePlan({ services, adopt, closeSharedDatabases }, state, contents), session)
}

/** Looks into the databases that can be entered. */
async function readContents(
  adminUrl: string,
  services: readonly ServiceRoles[],
  state: ServerState,
): Promise<Map<string, Contents>> {
  const contents = new Map<string, Contents>()
  for (const service of services) {
    const { database, owner } = service
    const present = state.databases.get(database)
    if (present?.open !== true || !present.manageable) continue
    await using inside = await connectTo(adminUrl, database)
    const { sql } = inside
    const rolesExist = [owner, service.app.name].every((name) => state.roles.has(name))
    const read = async (): Promise<Contents> => ({
      inOrder: rolesExist && (await areSchemasInOrder(sql, service)),
      largeObjects: !rolesExist || (await mayMakeLargeObjects(sql, service.app.name)),
      handOver: standingOf(service, state) === 'foreign' ? await handOverStatements(sql, owner) : [],
    })
    contents.set(database, await step(`look into database "${database}"`, read))
  }
  return contents
}

function connectTo(adminUrl: string, database: string): Promise<Session> {
  return step(`connect to "${database}"`, () =>
    openSession(adminUrl, { database, applicationName: 'provisioner' }),
  )
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
    const advice = 'another session held a lock for too long; try again when it ended'
    return new ProvisionError('BUSY', name, advice, code)
  }
  if (code === '42501') {
    const advice = 'run it as a superuser, or as the role that made what it is about'
    return new ProvisionError('INSUFFICIENT_PRIVILEGE', name, `${message}; ${advice}`, code)
  }
  if (name.startsWith('connect to')) {
    const advice = `${message} (${code}); check the admin URL and the server`
    return new ProvisionError('CONNECT_FAILED', name, advice, code)
  }
  return new ProvisionError('FAILED', name, `${message} (${code ?? 'no code'}); run it again`, code)
}
