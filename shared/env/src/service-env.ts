import { type DatabaseTarget, formatDatabaseUrl, type SslMode } from '@shared/database'
import { checkTls } from './check-tls.ts'
import { completeDirectUrl, resolveDirectUrl } from './direct-url.ts'
import { EnvironmentError } from './environment-error.ts'
import { guardEnv } from './guard-env.ts'
import { createIssues, type Issues } from './issues.ts'
import { migratorVariables } from './migration-variables.ts'
import { copyEnvironment, readVariables } from './read-variables.ts'
import { resolveReplicaUrl } from './replica-url.ts'
import { addressVariables, resolveTarget } from './resolve-target.ts'
import { Secret } from './secret.ts'
import { readSecretFiles } from './secret-files.ts'
import { serviceTable } from './service-variables.ts'
import { reportUnknownNames } from './unknown-names.ts'
import {
  type OwnValues,
  type ServiceDefinition,
  type Values,
  type VariableTable,
  variableNames,
} from './variables.ts'

/** Which service reads the environment, and from where. */
export interface EnvOptions extends ServiceDefinition {
  /** Default `process.env`. It is copied, never changed. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

type ServiceValues = Values<ReturnType<typeof serviceTable>>

/** A running service's settings, under the names of the variables; seconds stay seconds. */
export interface ServiceEnv
  extends Omit<ServiceValues, keyof ResolvedTarget | 'HEALTH_DETAILS'>,
    ResolvedTarget {
  readonly HEALTH_DETAILS: 'always' | 'token' | 'never'
}

interface ResolvedTarget {
  /** The whole address, however it was given: percent-encoded, each host with its port, with sslmode. */
  readonly DATABASE_URL: Secret
  /** One or several, separated by commas; IPv6 without brackets. */
  readonly DATABASE_HOST: string
  /** One for all hosts, or one for each, separated by commas. */
  readonly DATABASE_PORT: string
  readonly DATABASE_NAME: string
  readonly DATABASE_USER: string
  readonly DATABASE_PASSWORD: Secret
  /** Where the password was read, if it came from a file of its own: it is read again at each connect. */
  readonly DATABASE_PASSWORD_FILE: string | undefined
  readonly DATABASE_SSL_MODE: SslMode
  /** As DATABASE_URL, for the server behind the pooler that leads to; without a password where that is read from DATABASE_PASSWORD_FILE. */
  readonly DATABASE_DIRECT_URL: Secret | undefined
  /** As DATABASE_URL, for the standbys; without a password where that is read from DATABASE_PASSWORD_FILE. */
  readonly DATABASE_REPLICA_URL: Secret | undefined
}

/**
 * Reads and checks a service's environment, files of secrets included.
 *
 * @returns A frozen object that hides its secrets when printed and throws at a name it does not have.
 * @throws {EnvironmentError} Everything that is wrong, at once; it holds no secret.
 */
export function createServiceEnv<const D extends EnvOptions>(options: D): ServiceEnv & OwnValues<D> {
  const table = serviceTable(options)
  const own: VariableTable = options.variables ?? {}
  const environment = copyEnvironment(options.environment ?? process.env)
  const issues = createIssues()
  // Only of this prefix: where a service is called product, platforms add variables such as PRODUCT_PORT by themselves.
  const known = [...variableNames(table), ...variableNames(migratorVariables(options))]
  reportUnknownNames(environment, known, ['DATABASE_'], issues)
  const passwordFile = environment.DATABASE_PASSWORD_FILE
  readSecretFiles({ ...table, ...own }, environment, issues)
  const values = readVariables(table, environment, issues)
  const ownValues = readVariables(own, environment, issues)
  requireVariables(own, environment, issues)
  const target = resolveTarget(options, environment, issues, ['host', 'database', 'user', 'password'])
  checkTls({ ...environment, ...target.ofUrl, DATABASE_SSL_MODE: target.sslMode }, issues)
  checkHealthToken(environment, issues)
  const isPasswordInFile = passwordFile !== undefined && values?.DATABASE_URL?.password === undefined
  const replicaUrl = isComplete(target)
    ? resolveReplicaUrl(values?.DATABASE_REPLICA_URL, target, isPasswordInFile, issues)
    : undefined
  const direct = resolveDirectUrl(options, environment, issues)
  if (values === undefined || ownValues === undefined || !isComplete(target) || issues.size > 0) {
    throw new EnvironmentError(options.service, issues.list([...Object.keys(table), ...Object.keys(own)]))
  }
  const common: ServiceEnv = {
    ...values,
    ...target.ofUrl,
    HEALTH_DETAILS: values.HEALTH_DETAILS ?? defaultHealthDetails(values),
    DATABASE_URL: new Secret(formatDatabaseUrl(target)),
    ...addressVariables(target.hosts),
    DATABASE_NAME: target.database,
    DATABASE_USER: target.user,
    DATABASE_PASSWORD: new Secret(target.password),
    DATABASE_PASSWORD_FILE: isPasswordInFile ? passwordFile : undefined,
    DATABASE_SSL_MODE: target.sslMode,
    DATABASE_DIRECT_URL: direct && completeDirectUrl(direct, target, isPasswordInFile),
    DATABASE_REPLICA_URL: replicaUrl,
  }
  // The values were read by the definition's own table; the types cannot follow that.
  return guardEnv({ ...common, ...ownValues } as ServiceEnv & OwnValues<D>)
}

/** Whether every piece of a target was given. */
export function isComplete<T extends Partial<DatabaseTarget>>(target: T): target is T & DatabaseTarget {
  return [target.hosts, target.database, target.user, target.password].every((piece) => piece !== undefined)
}

function requireVariables(
  table: VariableTable,
  environment: Readonly<Record<string, string | undefined>>,
  issues: Issues,
): void {
  for (const [name, { required }] of Object.entries(table)) {
    if (required && environment[name] === undefined && !issues.has(name)) issues.add(name, 'is required')
  }
}

function checkHealthToken(environment: Readonly<Record<string, string | undefined>>, issues: Issues): void {
  if (environment.HEALTH_DETAILS !== 'token' || environment.HEALTH_TOKEN !== undefined) return
  if (!issues.has('HEALTH_TOKEN')) issues.add('HEALTH_TOKEN', 'is required by HEALTH_DETAILS=token')
}

function defaultHealthDetails(values: ServiceValues): ServiceEnv['HEALTH_DETAILS'] {
  if (values.HEALTH_TOKEN !== undefined) return 'token'
  return values.NODE_ENV === 'production' ? 'never' : 'always'
}
