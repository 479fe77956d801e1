import { createDatabase, createdDatabase, databaseChanges } from './databases.ts'
import { largeObjectGrants, largeObjectsLeft } from './large-objects.ts'
import { isMarked, withMark } from './marks.ts'
import type { Named, ProvisionPlan, Refusal, Stage, Step } from './plan.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { alterRole, createRole, joinOwner, membershipChanges, roleShapes } from './roles.ts'
import { schemaGrants, schemaOwnership } from './schemas.ts'
import type { DatabaseState, ServerState } from './server-state.ts'
import { allRoles, type ServiceRoles } from './service-roles.ts'
import { planSharedDatabases } from './shared-databases.ts'

/** What a database holds, as far as a plan depends on it. */
export interface Contents {
  /** Whether the schemas are as they should be. */
  readonly inOrder: boolean
  /** Whether the runtime role may make large objects. */
  readonly largeObjects: boolean
  /** Gives to the service's owner what somebody else owns; only where the database is adopted. */
  readonly handOver: readonly string[]
}

/** What is asked for. */
export interface PlanOptions {
  readonly services: readonly ServiceRoles[]
  readonly adopt: boolean
  readonly closeSharedDatabases: boolean
}

/** What a service's database is to the provisioner; `unfinished`: its own, from a run that failed. */
export type Standing = 'missing' | 'unfinished' | 'own' | 'foreign'

/** @see {@link Standing} */
export function standingOf({ database, owner, service }: ServiceRoles, state: ServerState): Standing {
  const present = state.databases.get(database)
  if (present === undefined) return 'missing'
  if (isMarked(present.comment, service)) return present.open ? 'own' : 'unfinished'
  // CREATE DATABASE can't be in one transaction with the mark. Nobody has been in one that is still closed.
  const made = present.owner === owner && isMarked(state.roles.get(owner)?.comment ?? null, service)
  return made && !present.open ? 'unfinished' : 'foreign'
}

/** Databases and roles of the services' names that the provisioner has not made. */
export function findForeign(services: readonly ServiceRoles[], state: ServerState): Refusal[] {
  return services.flatMap((service) => {
    const owner = state.databases.get(service.database)?.owner
    const roles = roleShapes(service).filter(({ name }) => {
      const present = state.roles.get(name)
      return present !== undefined && !isMarked(present.comment, service.service)
    })
    return [
      ...(standingOf(service, state) === 'foreign'
        ? [`database "${service.database}", which belongs to "${owner}"`]
        : []),
      ...roles.map(({ name }) => `role "${name}"`),
    ].map((message): Refusal => ({ reason: 'not-ours', message }))
  })
}

/** The plan that does nothing. */
export function refusedPlan(refusals: readonly Refusal[]): ProvisionPlan {
  return { stages: [], refusals, databases: [], roles: [], warnings: [] }
}

/**
 * Works out what brings a server to the state that the services need; pure, as all it depends on was read before.
 *
 * What is missing is made first, and harms nobody when a later step fails. What exists is changed last and together, so
 * that a failure leaves it as it was.
 */
export function makePlan(
  options: PlanOptions,
  state: ServerState,
  contents: ReadonlyMap<string, Contents>,
): ProvisionPlan {
  const everyRole = allRoles(options.services)
  const shared = planSharedDatabases(state, everyRole, options.closeSharedDatabases)
  const parts = options.services.map((service) => planService(service, everyRole, state, contents))
  const refusals = parts.flatMap((part) => part.refusals)
  if (refusals.length > 0) return refusedPlan(refusals)
  const stages: Stage[] = [
    { name: 'create roles', together: true, steps: parts.flatMap((part) => part.createRoles) },
    { name: 'create databases', together: false, steps: parts.flatMap((part) => part.createDatabase) },
    { name: 'open new databases', together: true, steps: parts.flatMap((part) => part.openDatabase) },
    {
      name: 'change what exists',
      together: true,
      steps: [...parts.flatMap((part) => part.change), ...shared.steps],
    },
  ].filter(({ steps }) => steps.length > 0)
  if (stages.length > 0 || state.intruders > 0) stages.push(endSessions(everyRole))
  return {
    stages,
    refusals,
    databases: [...parts.map((part) => part.database), ...shared.databases],
    roles: parts.flatMap((part) => part.roles),
    warnings: [...parts.flatMap((part) => part.warnings), ...shared.warnings],
  }
}

interface ServicePlan {
  createRoles: Step[]
  createDatabase: Step[]
  openDatabase: Step[]
  change: Step[]
  refusals: Refusal[]
  database: Named
  roles: Named[]
  warnings: string[]
}

function planService(
  service: ServiceRoles,
  everyRole: readonly string[],
  state: ServerState,
  contents: ReadonlyMap<string, Contents>,
): ServicePlan {
  const roles = planRoles(service, everyRole, state)
  const { database } = service
  const standing = standingOf(service, state)
  const present = state.databases.get(database)
  const grants = databaseChanges(service, everyRole, present ?? createdDatabase(service))
  const inside = contents.get(database)
  const largeObjects = inside?.largeObjects ?? true
  const isInOrder = inside?.inOrder === true && inside.handOver.length === 0
  const schemas = [
    ...(isInOrder
      ? []
      : [...schemaOwnership(service), ...(inside?.handOver ?? []), ...schemaGrants(service)]),
    ...(largeObjects && state.admin.superuser ? largeObjectGrants(service) : []),
  ]
  const isOpen = present?.open === true
  const privileges = stepOf(`privileges on database "${database}"`, grants)
  const refusals = [...roles.refusals]
  if (present !== undefined && !present.manageable && grants.length + schemas.length > 0) {
    refusals.push(
      privilegeRefusal(`database "${database}", which belongs to "${present.owner}"`, state.admin.name),
    )
  }
  const changed = grants.length + schemas.length > 0 ? 'updated' : 'unchanged'
  return {
    createRoles: roles.create,
    createDatabase:
      present === undefined
        ? [stepOf(`create database "${database}"`, [createDatabase(service)])].flat()
        : [],
    openDatabase: isOpen ? [] : privileges,
    change: [
      ...roles.change,
      ...(isOpen ? privileges : []),
      ...stepOf(`schemas of database "${database}"`, schemas, database),
    ],
    refusals,
    database: {
      name: database,
      outcome: standing === 'missing' ? 'created' : standing === 'foreign' ? 'adopted' : changed,
    },
    roles: roles.outcomes,
    warnings: [
      ...(standing === 'foreign' && present !== undefined ? adoptionWarning(service, present) : []),
      ...(largeObjects && !state.admin.superuser ? [largeObjectsLeft(service)] : []),
    ],
  }
}

function planRoles(
  service: ServiceRoles,
  everyRole: readonly string[],
  state: ServerState,
): { create: Step[]; change: Step[]; refusals: Refusal[]; outcomes: Named[] } {
  const { admin, memberships } = state
  const members = membershipChanges(service, everyRole, memberships)
  const create: Step[] = []
  const change: Step[] = []
  const refusals: Refusal[] = []
  const outcomes: Named[] = []
  for (const role of roleShapes(service)) {
    const { name } = role
    const present = state.roles.get(name)
    const join = name === service.owner ? joinOwner(name, present, admin) : []
    const mark = `COMMENT ON ROLE ${quoteIdentifier(name)} IS ${quoteLiteral(withMark(present?.comment ?? null, service.service))}`
    if (present === undefined) {
      create.push(...stepOf(`create role "${name}"`, [createRole(role), mark, ...join]))
      outcomes.push({ name, outcome: 'created' })
      continue
    }
    const isOurs = isMarked(present.comment, service.service)
    const altered = alterRole(role, present, admin)
    const statements = [...altered.statements, ...(isOurs ? [] : [mark])]
    create.push(...stepOf(`let the admin act as "${name}"`, join))
    change.push(...stepOf(`role "${name}"`, statements))
    if (statements.length + join.length > 0 && !present.manageable)
      refusals.push(privilegeRefusal(`role "${name}"`, admin.name))
    if (role.login?.generated === true) refusals.push({ reason: 'password', message: `role "${name}"` })
    const isUpdated = altered.changes || members.some(({ member }) => member === name)
    outcomes.push({ name, outcome: !isOurs ? 'adopted' : isUpdated ? 'updated' : 'unchanged' })
  }
  const statements = members.map(({ statement }) => statement)
  change.push(...stepOf(`memberships of service "${service.service}"`, statements))
  return { create, change, refusals, outcomes }
}

/** A REVOKE does not touch the sessions that are in already. */
function endSessions(everyRole: readonly string[]): Stage {
  const statement =
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${everyRole.map(quoteLiteral).join(', ')}) ` +
    `AND datname IS NOT NULL AND NOT has_database_privilege(usesysid, datid, 'CONNECT')`
  const otherwise =
    'Sessions of service roles in databases they may no longer enter were left: the admin may not end them.'
  const name = 'end sessions that may not be there'
  return { name, together: false, steps: [{ name, database: null, statements: [statement], otherwise }] }
}

function stepOf(name: string, statements: readonly string[], database: string | null = null): Step[] {
  return statements.length === 0 ? [] : [{ name, database, statements }]
}

function privilegeRefusal(what: string, admin: string): Refusal {
  return { reason: 'privilege', message: `${what}: "${admin}" may not change it` }
}

function adoptionWarning({ database, owner }: ServiceRoles, present: DatabaseState): string[] {
  return [
    `"${database}" is taken over from "${present.owner}": "${owner}" owns it and what is in its schemas, and roles ` +
      'that connected as its owner or through PUBLIC can do so no more.',
  ]
}
