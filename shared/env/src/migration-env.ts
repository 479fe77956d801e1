import { formatDatabaseUrl } from '@shared/database'
import { EnvironmentError } from './environment-error.ts'
import { guardEnv } from './guard-env.ts'
import { createIssues } from './issues.ts'
import { migrationTable } from './migration-variables.ts'
import { copyEnvironment, readVariables } from './read-variables.ts'
import { resolveTarget } from './resolve-target.ts'
import { Secret } from './secret.ts'
import { readSecretFiles } from './secret-files.ts'
import { type EnvOptions, isComplete, type ServiceEnv } from './service-env.ts'
import { serviceTable } from './service-variables.ts'
import { reportUnknownNames } from './unknown-names.ts'
import { variableNames } from './variables.ts'

/** What migrating and provisioning need: where the database is, and the login that may change its tables. */
export interface MigrationEnv
  extends Pick<
    ServiceEnv,
    | 'DATABASE_HOST'
    | 'DATABASE_PORT'
    | 'DATABASE_NAME'
    | 'DATABASE_SSL_MODE'
    | 'DATABASE_SSL_ROOT_CERT'
    | 'DATABASE_CONNECT_TIMEOUT'
  > {
  readonly MIGRATION_USER: string
  readonly MIGRATION_PASSWORD: Secret
  /** The service's database, reached as the migrator. */
  readonly url: Secret
}

/**
 * Reads and checks what migrating a service's database needs.
 *
 * Host, port, database and SSL come from DATABASE_*, as for the service; the login from MIGRATION_*. The runtime
 * role's user and password are not required, so a migration job need not be given them.
 *
 * @throws {EnvironmentError} Everything that is wrong, at once; it holds no secret.
 */
export function createMigrationEnv(options: EnvOptions): MigrationEnv {
  const table = migrationTable(options)
  const environment = copyEnvironment(options.environment ?? process.env)
  const issues = createIssues()
  const known = [...variableNames(serviceTable(options)), ...variableNames(table)]
  reportUnknownNames(environment, known, ['DATABASE_', 'MIGRATION_'], issues)
  readSecretFiles(table, environment, issues)
  const values = readVariables(table, environment, issues)
  const location = resolveTarget(options, environment, issues, ['host', 'database'])
  for (const name of ['MIGRATION_USER', 'MIGRATION_PASSWORD'] as const) {
    if (environment[name] === undefined && !issues.has(name)) issues.add(name, 'is required')
  }
  const user = values?.MIGRATION_USER
  const password = values?.MIGRATION_PASSWORD
  const target = { ...location, user, password: password?.reveal() }
  if (values === undefined || !isComplete(target) || issues.size > 0) {
    throw new EnvironmentError(options.service, issues.list(Object.keys(table)))
  }
  return guardEnv({
    DATABASE_HOST: target.host,
    DATABASE_PORT: target.port,
    DATABASE_NAME: target.database,
    DATABASE_SSL_MODE: target.sslMode,
    DATABASE_SSL_ROOT_CERT: values.DATABASE_SSL_ROOT_CERT,
    DATABASE_CONNECT_TIMEOUT: values.DATABASE_CONNECT_TIMEOUT,
    MIGRATION_USER: target.user,
    MIGRATION_PASSWORD: new Secret(target.password),
    url: new Secret(formatDatabaseUrl(target)),
  })
}
