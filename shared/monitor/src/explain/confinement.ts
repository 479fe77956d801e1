/** What a role may do beyond its own service's needs, and how that is taken from it. */
export interface ConfinementRemedy {
  readonly finding: string
  readonly remedy: string
}

/** The databases of every server: closing them concerns all who use it. */
const sharedDatabases = ['postgres', 'template1']

/**
 * Says of each finding of a role's confinement what to do about it.
 *
 * @param service The name of the service, for the commands.
 * @param role The role that it logs in with.
 */
export function explainConfinement(
  service: string,
  role: string,
  findings: readonly string[],
): ConfinementRemedy[] {
  return findings.map((finding) => ({ finding, remedy: remedyOf(service, role, finding) }))
}

/** Whether a finding is about what every role of a server may do, and not about this one. */
export function isOfSharedDatabase(finding: string): boolean {
  return sharedDatabases.some((name) => finding === `may connect to ${name}`)
}

function remedyOf(service: string, role: string, finding: string): string {
  if (isOfSharedDatabase(finding))
    return `bun run db:provision ${service} --close-shared-databases, if nobody else needs them on this server`
  const attribute = attributes[finding]
  if (attribute !== undefined)
    return `give the service a role of its own (${adoption(service)}), or ALTER ROLE ${quote(role)} ${attribute}`
  const database = /^may connect to (.+)$/.exec(finding)?.[1]
  if (database !== undefined)
    return `REVOKE CONNECT ON DATABASE ${quote(database)} FROM PUBLIC, ${quote(role)}`
  const group = /^is member of (.+)$/.exec(finding)?.[1]
  if (group !== undefined) return `REVOKE ${quote(group)} FROM ${quote(role)}`
  return `the role owns the database or its schema: ${adoption(service)} gives them to an owner that cannot log in`
}

const adoption = (service: string): string => `bun run db:provision ${service} --adopt, with --dry-run first`

const attributes: Readonly<Record<string, string>> = {
  superuser: 'NOSUPERUSER',
  'may create databases': 'NOCREATEDB',
  'may create roles': 'NOCREATEROLE',
  'may replicate': 'NOREPLICATION',
  'bypasses row security': 'NOBYPASSRLS',
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
