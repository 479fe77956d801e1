import { isMarked, withMark } from './marks.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { DatabaseState } from './server-state.ts'
import type { ServiceRoles } from './service-roles.ts'

/** Makes the service's database with its doors still closed: {@link databaseChanges} opens them. */
export function createDatabase({ database, owner }: ServiceRoles): string {
  // PUBLIC may connect to a new database. Without connections nobody gets in before the REVOKE.
  return (
    `CREATE DATABASE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(owner)} ` +
    `TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false`
  )
}

/** What {@link createDatabase} leaves. */
export function createdDatabase({ owner }: ServiceRoles): DatabaseState {
  const acl = ['CONNECT', 'TEMPORARY'].map((privilege) => ({ grantee: null, privilege }))
  return { owner, open: false, acl, settings: [], comment: null, manageable: true }
}

/** Statements that leave the database to its service alone. Privileges are not copied from a template: run it on each copy. */
export function databaseGrants(service: ServiceRoles, everyRole: readonly string[]): string[] {
  const { database, migrator, app } = service
  const name = quoteIdentifier(database)
  const others = strangersTo(service, everyRole)
  return [
    `REVOKE ALL ON DATABASE ${name} FROM ${['PUBLIC', ...others.map(quoteIdentifier)].join(', ')}`,
    `REVOKE CREATE, TEMPORARY ON DATABASE ${name} FROM ${quoteIdentifier(app.name)}, ${quoteIdentifier(migrator.name)}`,
    `GRANT CONNECT ON DATABASE ${name} TO ${quoteIdentifier(app.name)}, ${quoteIdentifier(migrator.name)}`,
  ]
}

/** Settings that roles get in their own database only. statement_timeout is the pool's affair. */
export function roleSettings({
  owner,
  migrator,
  app,
}: ServiceRoles): { role: string; name: string; value: string }[] {
  return [
    // What a migration makes belongs to the owner, so default privileges and later migrators agree.
    { role: migrator.name, name: 'role', value: owner },
    { role: migrator.name, name: 'search_path', value: 'public' },
    { role: app.name, name: 'search_path', value: 'public' },
    { role: app.name, name: 'idle_in_transaction_session_timeout', value: '60s' },
  ]
}

/** Statements for {@link roleSettings}. */
export function roleSettingStatements(service: ServiceRoles): string[] {
  return roleSettings(service).map(
    ({ role, name, value }) =>
      `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(service.database)} SET ${name} TO ${quoteLiteral(value)}`,
  )
}

/** What is missing for the database to be its service's alone, marked, and open to its roles. */
export function databaseChanges(
  service: ServiceRoles,
  everyRole: readonly string[],
  present: DatabaseState,
): string[] {
  const name = quoteIdentifier(service.database)
  const settings = roleSettings(service).map(({ role, name: key, value }) => `${role}:${key}=${value}`)
  const changes: [boolean, readonly string[]][] = [
    [present.owner !== service.owner, [`ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(service.owner)}`]],
    [!isGuarded(service, everyRole, present), databaseGrants(service, everyRole)],
    [!settings.every((setting) => present.settings.includes(setting)), roleSettingStatements(service)],
    [!isMarked(present.comment, service.service), [markDatabase(service, present.comment)]],
    [!present.open, [`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`]],
  ]
  return changes.flatMap(([needed, statements]) => (needed ? statements : []))
}

const markDatabase = ({ database, service }: ServiceRoles, comment: string | null): string =>
  `COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${quoteLiteral(withMark(comment, service))}`

function strangersTo({ owner, migrator, app }: ServiceRoles, everyRole: readonly string[]): string[] {
  return everyRole.filter((role) => ![owner, migrator.name, app.name].includes(role))
}

function isGuarded(service: ServiceRoles, everyRole: readonly string[], { acl }: DatabaseState): boolean {
  const strangers = strangersTo(service, everyRole)
  const logins = [service.app.name, service.migrator.name]
  const has = (role: string, privilege: string): boolean =>
    acl.some((entry) => entry.grantee === role && entry.privilege === privilege)
  return (
    acl.every(({ grantee }) => grantee !== null && !strangers.includes(grantee)) &&
    logins.every((role) => has(role, 'CONNECT') && !has(role, 'CREATE') && !has(role, 'TEMPORARY'))
  )
}
