import {
  type ConnectionStringParts,
  type DatabaseTarget,
  formatDatabaseUrl,
  joinHosts,
} from '@shared/database'
import type { Issues } from './issues.ts'
import { Secret } from './secret.ts'

/**
 * Completes the address of the standbys by that of the database: what it leaves out is the same there.
 *
 * @param given What DATABASE_REPLICA_URL says.
 * @param isPasswordInFile Whether the database's password is read again at each connect; then it is not written into this address.
 * @returns undefined where it is not set, or of no use: that is an issue then.
 */
export function resolveReplicaUrl(
  given: ConnectionStringParts | undefined,
  target: DatabaseTarget,
  isPasswordInFile: boolean,
  issues: Issues,
): Secret | undefined {
  if (given === undefined) return undefined
  const hosts = joinHosts(given)
  if (hosts === undefined || typeof hosts === 'string') {
    issues.add('DATABASE_REPLICA_URL', 'names no host: add where the standbys are')
    return undefined
  }
  if (given.database !== undefined && given.database !== target.database) {
    issues.add('DATABASE_REPLICA_URL', 'names another database than the service’s: standbys have the same')
    return undefined
  }
  return new Secret(
    formatDatabaseUrl({
      hosts,
      database: target.database,
      user: given.user ?? target.user,
      password: given.password ?? (isPasswordInFile ? '' : target.password),
      sslMode: given.connection.sslMode ?? target.sslMode,
      parameters: { ...target.parameters, ...given.parameters },
    }),
  )
}
