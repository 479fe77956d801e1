import { ProvisionError } from '../errors.ts'

/** A role that logs in. */
export interface Login {
  name: string
  password: string
  /**
   * The password was made up just now, as nobody gave one: right for a role that is made, and refused for one that exists,
   * whose password others use. Default false.
   */
  generated?: boolean
}

/** One service's database and its three roles. */
export interface ServiceRoles {
  service: string
  database: string
  /** Owns the database and its schemas; nobody logs in as it. */
  owner: string
  /** Logs in to migrate, and acts as the owner in that database. */
  migrator: Login
  /** Logs in at run time: reads and writes rows, and nothing else. */
  app: Login & { connectionLimit: number }
}

/** The two databases every server has and every role could enter. */
export const sharedDatabases = ['postgres', 'template1'] as const

/** Throws ProvisionError `INVALID_INPUT` for names or passwords that would not do what they look like. */
export function checkServices(services: readonly ServiceRoles[], adminUser: string): void {
  const databases = new Set<string>(['postgres', 'template0', 'template1'])
  const roles = new Set<string>([adminUser, 'public', 'none'])
  for (const { service, database, owner, migrator, app } of services) {
    const refuse = (message: string): never => {
      throw new ProvisionError('INVALID_INPUT', `check service "${service}"`, message)
    }
    for (const [kind, name, taken] of [
      ['database', database, databases],
      ['role', owner, roles],
      ['role', migrator.name, roles],
      ['role', app.name, roles],
    ] as const) {
      if (!isName(name)) refuse(`the ${kind} name ${JSON.stringify(name)} must have 1 to 63 bytes and no NUL`)
      if (kind === 'role' && name.startsWith('pg_'))
        refuse(`the role name "${name}" is reserved by PostgreSQL`)
      if (taken.has(name))
        refuse(`the ${kind} "${name}" is reserved or used by another service: give it one of its own`)
      taken.add(name)
    }
    for (const role of [migrator, app]) {
      if (!isPassword(role.password)) {
        refuse(
          `the password of "${role.name}" must not be empty, and in Unicode's NFKC form without control characters`,
        )
      }
    }
    const limit = app.connectionLimit
    if (!Number.isInteger(limit) || limit < 1 || limit > 262_143) {
      refuse(`the connection limit of "${app.name}" must be an integer from 1 to 262143, got ${limit}`)
    }
  }
}

// PostgreSQL truncates longer names with only a notice, and two services could end up with one name.
const isName = (name: string): boolean => name !== '' && Buffer.byteLength(name) <= 63 && !name.includes('\0')

// Clients disagree on how to normalise a password; one that is normal already is the same to all.
const isPassword = (password: string): boolean =>
  password !== '' && password === password.normalize('NFKC') && !/\p{Cc}/u.test(password)

/** Every role of every service. */
export function allRoles(services: readonly ServiceRoles[]): string[] {
  return services.flatMap(({ owner, migrator, app }) => [owner, migrator.name, app.name])
}
