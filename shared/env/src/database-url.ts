import { type DatabaseUrlParts, parseDatabaseUrl } from '@shared/database'

/** What other stacks put into the URL's query, and where it belongs here. */
const variableOfParameter: Readonly<Record<string, string>> = {
  application_name: 'DATABASE_APPLICATION_NAME',
  connect_timeout: 'DATABASE_CONNECT_TIMEOUT',
  connection_limit: 'DATABASE_POOL_SIZE',
  idle_timeout: 'DATABASE_IDLE_TIMEOUT',
  max: 'DATABASE_POOL_SIZE',
  max_lifetime: 'DATABASE_POOL_RECYCLE',
  max_overflow: 'DATABASE_MAX_OVERFLOW',
  pgbouncer: 'DATABASE_PREPARE',
  pool_pre_ping: 'DATABASE_POOL_PRE_PING',
  pool_recycle: 'DATABASE_POOL_RECYCLE',
  pool_size: 'DATABASE_POOL_SIZE',
  pool_timeout: 'DATABASE_POOL_TIMEOUT',
  prepare: 'DATABASE_PREPARE',
  ssl: 'DATABASE_SSL_MODE',
  sslrootcert: 'DATABASE_SSL_ROOT_CERT',
  statement_timeout: 'DATABASE_STATEMENT_TIMEOUT',
}

/** Reads a `DATABASE_URL` as `parseDatabaseUrl` does; for a parameter of another stack it names the variable to set. */
export function readDatabaseUrl(text: string): { parts: DatabaseUrlParts } | { problems: string[] } {
  return parseDatabaseUrl(text, (parameter) =>
    Object.hasOwn(variableOfParameter, parameter) ? variableOfParameter[parameter] : undefined,
  )
}
