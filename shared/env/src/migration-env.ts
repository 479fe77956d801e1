import { formatDatabaseUrl } from '@shared/database'
import { checkTls } from './check-tls.ts'
import { resolveDirectUrl } from './direct-url.ts'
import { EnvironmentError } from './environment-error.ts'
import { guardEnv } from './guard-env.ts'
import { createIssues, type Issues } from './issues.ts'
import { migrationTable } from './migration-variables.ts'
import { copyEnvironment, readVariables } from './read-variables.ts'
import { addressVariables, type Piece, type ResolvedAddress, resolveTarget } from './resolve-target.ts'
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
  /** The service's database, reached as the migrator, with all that the environment says of how it is reached. */
  readonly url: Secret
}

/** The variables that say how the server is reached, each with the keyword of a connection string that does. */
const keywords: Readonly<Record<string, string>> = {
  DATABASE_SSL_ROOT_CERT: 'sslrootcert',
  DATABASE_SSL_CERT: 'sslcert',
  DATABASE_SSL_KEY: 'sslkey',
  DATABASE_SSL_NEGOTIATION: 'sslnegotiation',
  DATABASE_CHANNEL_BINDING: 'channel_binding',
  DATABASE_CONNECT_TIMEOUT: 'connect_timeout',
}

function parametersOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(keywords).flatMap(([variable, keyword]) => {
      const value = environment[variable]
      return value === undefined ? [] : [[keyword, value]]
    }),
  )
}

/**
 * Reads and checks what migrating a service's database needs.
 *
 * Host, port, database and SSL come from DATABASE_*, as for the service, or from DATABASE_DIRECT_URL where that leads
 * through a pooler; the login from MIGRATION_*. The runtime role's user and password are not required, so a migration job
 * need not be given them.
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
  const location = resolveLocation(options, environment, issues)
  checkTls({ ...environment, ...location.ofUrl, DATABASE_SSL_MODE: location.sslMode }, issues)
  for (const name of ['MIGRATION_USER', 'MIGRATION_PASSWORD'] as const) {
    if (environment[name] === undefined && !issues.has(name)) issues.add(name, 'is required')
  }
  const user = values?.MIGRATION_USER
  const password = values?.MIGRATION_PASSWORD
  const parameters = { ...location.parameters, ...parametersOf(environment) }
  const target = { ...location, parameters, user, password: password?.reveal() }
  if (values === undefined || !isComplete(target) || issues.size > 0) {
    throw new EnvironmentError(options.service, issues.list(Object.keys(table)))
  }
  return guardEnv({
    ...addressVariables(target.hosts),
    DATABASE_NAME: target.database,
    DATABASE_SSL_MODE: target.sslMode,
    DATABASE_SSL_ROOT_CERT: values.DATABASE_SSL_ROOT_CERT,
    DATABASE_CONNECT_TIMEOUT: values.DATABASE_CONNECT_TIMEOUT,
    MIGRATION_USER: target.user,
    MIGRATION_PASSWORD: new Secret(target.password),
    url: new Secret(formatDatabaseUrl(target)),
  })
}

/** Where to migrate: at the server itself, if DATABASE_DIRECT_URL says where that is. What it leaves out is as for the service. */
function resolveLocation(
  options: EnvOptions,
  environment: Readonly<Record<string, string | undefined>>,
  issues: Issues,
): ResolvedAddress {
  const direct = resolveDirectUrl(options, environment, issues)
  const isNamed = direct?.database !== undefined || issues.has('DATABASE_DIRECT_URL')
  const required: Piece[] = []
  if (environment.DATABASE_DIRECT_URL === undefined) required.push('host')
  if (!isNamed) required.push('database')
  const pooled = resolveTarget(options, environment, issues, required)
  if (!direct) return pooled
  return {
    ...pooled,
    hosts: direct.hosts,
    database: direct.database ?? pooled.database,
    sslMode: direct.sslMode ?? pooled.sslMode,
    parameters: { ...pooled.parameters, ...direct.parameters },
  }
}
