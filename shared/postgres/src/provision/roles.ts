import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { matchesVerifier, scramVerifier } from './scram.ts'
import type { Admin, Membership, RoleState } from './server-state.ts'
import type { ServiceRoles } from './service-roles.ts'

interface RoleShape {
  name: string
  login: { password: string; generated?: boolean } | null
  inherit: boolean
  /** -1: no limit. */
  connectionLimit: number
}

/** What a role needs: nothing where `statements` is empty. */
export interface RoleChange {
  readonly statements: readonly string[]
  /** False where the statements repeat what may well be so: a password that the admin may not compare. */
  readonly changes: boolean
}

/** The three roles of a service, in the order in which they have to be made. */
export function roleShapes({ owner, migrator, app }: ServiceRoles): RoleShape[] {
  return [
    { name: owner, login: null, inherit: true, connectionLimit: -1 },
    { name: migrator.name, login: migrator, inherit: true, connectionLimit: -1 },
    { name: app.name, login: app, inherit: false, connectionLimit: app.connectionLimit },
  ]
}

/** Makes the role. */
export function createRole(role: RoleShape): string {
  const login = role.login === null ? 'NOLOGIN' : 'LOGIN'
  const inherit = role.inherit ? 'INHERIT' : 'NOINHERIT'
  return `CREATE ROLE ${quoteIdentifier(role.name)} ${login} ${inherit} CONNECTION LIMIT ${role.connectionLimit}${passwordOf(role)}`
}

/** Brings a role that exists to this shape. */
export function alterRole(role: RoleShape, present: RoleState, admin: Admin): RoleChange {
  const differences = differencesOf(present, role)
  const repeats: string[] = []
  if (role.login !== null) {
    // Nobody but a superuser can compare, so it is set again, which changes nothing if it was right.
    if (!admin.superuser) repeats.push(passwordOf(role).trim())
    else if (!matchesVerifier(role.login.password, present.verifier))
      differences.push(passwordOf(role).trim())
  }
  const clauses = [...differences, ...repeats]
  return {
    statements: clauses.length === 0 ? [] : [`ALTER ROLE ${quoteIdentifier(role.name)} ${clauses.join(' ')}`],
    changes: differences.length > 0,
  }
}

const passwordOf = ({ login }: RoleShape): string =>
  login === null ? '' : ` PASSWORD ${quoteLiteral(scramVerifier(login.password))}`

// Only what differs is named: a role that is no superuser may not even repeat NOSUPERUSER.
function differencesOf(present: RoleState, role: RoleShape): string[] {
  const wanted: [boolean, string][] = [
    [present.superuser, 'NOSUPERUSER'],
    [present.createDb, 'NOCREATEDB'],
    [present.createRole, 'NOCREATEROLE'],
    [present.replication, 'NOREPLICATION'],
    [present.bypassRls, 'NOBYPASSRLS'],
    [present.canLogin !== (role.login !== null), role.login === null ? 'NOLOGIN' : 'LOGIN'],
    [present.inherit !== role.inherit, role.inherit ? 'INHERIT' : 'NOINHERIT'],
    [present.connectionLimit !== role.connectionLimit, `CONNECTION LIMIT ${role.connectionLimit}`],
  ]
  return wanted.filter(([differs]) => differs).map(([, clause]) => clause)
}

/**
 * Makes the migrator the only member of the owner, and revokes every other membership of the service's roles in the
 * given ones.
 *
 * @returns The statements, each with the role it changes.
 */
export function membershipChanges(
  { owner, migrator, app }: ServiceRoles,
  everyRole: readonly string[],
  memberships: readonly Membership[],
): { member: string; statement: string }[] {
  const own = [owner, migrator.name, app.name]
  const mine = memberships.filter(({ member }) => own.includes(member))
  const wanted = ({ role, member }: Membership): boolean => role === owner && member === migrator.name
  const changes = mine
    .filter((membership) => !wanted(membership) && everyRole.includes(membership.role))
    .map(({ role, member, grantor }) => ({
      member,
      statement: `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)} GRANTED BY ${quoteIdentifier(grantor)}`,
    }))
  if (!mine.some(wanted)) {
    const statement = `GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(migrator.name)}`
    changes.push({ member: migrator.name, statement })
  }
  return changes
}

/**
 * Makes an admin without superuser rights a member of the owner: PostgreSQL 16 and later demand that of who creates a
 * database for another role.
 */
export function joinOwner(owner: string, present: RoleState | undefined, admin: Admin): string[] {
  if (admin.superuser || present?.usable === true) return []
  const options = admin.serverVersion >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : ''
  return [`GRANT ${quoteIdentifier(owner)} TO CURRENT_USER${options}`]
}
