import {
  type ConnectionOptions,
  connectionOptions,
  type OptionsOf,
  type OptionTable,
  type PoolOptions,
  parseConnectionString,
  poolOptions,
  type ReplicasOptions,
  replicaOptions,
} from '@shared/database'
import type { ServiceEnv } from './service-env.ts'

/** The part of `createDatabase`'s options that comes from the environment: each option, so that none is forgotten. */
export interface EnvironmentDatabaseOptions {
  readonly url: string
  /** Past a pooler, for `listen()`: DATABASE_DIRECT_URL with the service's login. */
  readonly directUrl: string | undefined
  /** Set when the password came from DATABASE_PASSWORD_FILE, and not from the URL. */
  readonly passwordFile: string | undefined
  readonly pool: PoolOptions
  readonly connection: ConnectionOptions
  /** Has no effect where neither DATABASE_REPLICA_URL nor several hosts are given. */
  readonly replicas: ReplicasOptions
}

/**
 * Turns a service's environment into options for `createDatabase`: seconds become milliseconds, -1 becomes
 * Infinity, and the URL is revealed. Hand the result on at once and do not log it.
 *
 * The URL names host, port, user, password, database and sslmode, so that neither the driver's defaults nor
 * `PG*` variables have a say.
 */
export function databaseOptions(env: ServiceEnv): EnvironmentDatabaseOptions {
  return {
    url: env.DATABASE_URL.reveal(),
    directUrl: env.DATABASE_DIRECT_URL?.reveal(),
    passwordFile: env.DATABASE_PASSWORD_FILE,
    pool: optionsFrom(env, poolOptions),
    connection: optionsFrom(env, connectionOptions),
    replicas: { ...replicaAddress(env), ...optionsFrom(env, replicaOptions) },
  }
}

function replicaAddress(env: ServiceEnv): Pick<ReplicasOptions, 'url' | 'passwordFile'> {
  const url = env.DATABASE_REPLICA_URL?.reveal()
  if (url === undefined) return {}
  const read = parseConnectionString(url)
  const hasPassword = 'parts' in read && read.parts.password !== undefined
  return { url, passwordFile: hasPassword ? undefined : env.DATABASE_PASSWORD_FILE }
}

function optionsFrom<T extends OptionTable>(env: ServiceEnv, table: T): OptionsOf<T> {
  const values: Readonly<Record<string, unknown>> = { ...env }
  const options = Object.entries(table).map(([name, { kind, variable }]) => {
    const value = values[variable]
    return [name, kind === 'time' ? milliseconds(value as number) : value] as const
  })
  // Read by variables that were made from the same table, which the types cannot follow.
  return Object.fromEntries(options) as OptionsOf<T>
}

function milliseconds(seconds: number): number {
  return seconds === -1 ? Number.POSITIVE_INFINITY : Math.round(seconds * 1000)
}
