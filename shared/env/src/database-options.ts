import {
  type ConnectionOptions,
  connectionOptions,
  type OptionsOf,
  type OptionTable,
  type PoolOptions,
  poolOptions,
} from '@shared/database'
import type { ServiceEnv } from './service-env.ts'

/** The part of `createDatabase`'s options that comes from the environment: each option, so that none is forgotten. */
export interface EnvironmentDatabaseOptions {
  readonly url: string
  /** Set when the password came from DATABASE_PASSWORD_FILE, and not from the URL. */
  readonly passwordFile: string | undefined
  readonly pool: PoolOptions
  readonly connection: ConnectionOptions
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
    passwordFile: env.DATABASE_PASSWORD_FILE,
    pool: optionsFrom(env, poolOptions),
    connection: optionsFrom(env, connectionOptions),
  }
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
