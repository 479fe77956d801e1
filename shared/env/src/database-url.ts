import { connectionOptions, type DatabaseUrlParts, parseDatabaseUrl, poolOptions } from '@shared/database'

/** What other stacks put into the URL's query, and which option it is here. */
const optionOfParameter: Readonly<Record<string, { readonly variable: string }>> = {
  application_name: connectionOptions.applicationName,
  connect_timeout: connectionOptions.connectTimeoutMs,
  connection_limit: poolOptions.poolSize,
  idle_timeout: poolOptions.idleTimeoutMs,
  max: poolOptions.poolSize,
  max_lifetime: poolOptions.recycleMs,
  max_overflow: poolOptions.maxOverflow,
  pgbouncer: connectionOptions.prepare,
  pool_pre_ping: poolOptions.prePing,
  pool_recycle: poolOptions.recycleMs,
  pool_size: poolOptions.poolSize,
  pool_timeout: poolOptions.checkoutTimeoutMs,
  prepare: connectionOptions.prepare,
  ssl: connectionOptions.sslMode,
  sslrootcert: connectionOptions.sslRootCert,
  statement_timeout: connectionOptions.statementTimeoutMs,
}

/** Reads a `DATABASE_URL` as `parseDatabaseUrl` does; for a parameter of another stack it names the variable to set. */
export function readDatabaseUrl(text: string): { parts: DatabaseUrlParts } | { problems: string[] } {
  return parseDatabaseUrl(text, (parameter) =>
    Object.hasOwn(optionOfParameter, parameter) ? optionOfParameter[parameter]?.variable : undefined,
  )
}
