import {
  type ConnectionStringParts,
  type DatabaseTarget,
  formatDatabaseUrl,
  type Hosts,
  joinHosts,
  type SslMode,
} from '@shared/database'
import { databaseUrl } from './database-variables.ts'
import type { Issues } from './issues.ts'
import { checkName, parse } from './resolve-target.ts'
import { Secret } from './secret.ts'
import type { ServiceDefinition } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What DATABASE_DIRECT_URL says of where the server is. */
export interface DirectAddress {
  readonly hosts: Hosts
  readonly database: string | undefined
  readonly sslMode: SslMode | undefined
  readonly parameters: ConnectionStringParts['parameters']
}

const variable = 'DATABASE_DIRECT_URL'

/**
 * Reads DATABASE_DIRECT_URL, the address of the server behind a pooler, as strictly as DATABASE_URL is: the database is pinned to
 * the service too, and a login in it must be the migrator's.
 *
 * @returns undefined where it is unset, or of no use: that is an issue then.
 */
export function resolveDirectUrl(
  definition: ServiceDefinition,
  environment: Environment,
  issues: Issues,
): DirectAddress | undefined {
  const given = parse(databaseUrl, environment[variable])
  if (given === undefined) return undefined
  const { user, password, database } = given
  for (const [login, piece, said] of [
    ['MIGRATION_USER', 'user', user],
    ['MIGRATION_PASSWORD', 'password', password],
  ] as const) {
    const set = environment[login]
    if (said !== undefined && set !== undefined && said !== set)
      issues.add(variable, `and ${login} name a different ${piece}: make them agree or drop it from the URL`)
  }
  checkName(definition, environment, database, variable, issues)
  const hosts = joinHosts(given)
  if (hosts === undefined || typeof hosts === 'string') {
    issues.add(variable, hosts ?? 'names no host: add that of the server itself')
    return undefined
  }
  return { hosts, database, sslMode: given.connection.sslMode, parameters: given.parameters }
}

/**
 * Where a running service goes past the pooler: with its own login, as one in DATABASE_DIRECT_URL is the migrator's.
 *
 * @param isPasswordInFile Whether the password is read again at each connect; then it is not written into this address.
 */
export function completeDirectUrl(
  { hosts, database, sslMode, parameters }: DirectAddress,
  target: DatabaseTarget,
  isPasswordInFile: boolean,
): Secret {
  return new Secret(
    formatDatabaseUrl({
      hosts,
      database: database ?? target.database,
      user: target.user,
      password: isPasswordInFile ? '' : target.password,
      sslMode: sslMode ?? target.sslMode,
      parameters: { ...target.parameters, ...parameters },
    }),
  )
}
