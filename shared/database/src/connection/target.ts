import { ConfigurationError } from '@shared/pool'
import type { SslMode } from '../options.ts'
import { parseDatabaseUrl } from './database-url.ts'

/** Where a database is and who connects to it. */
export interface Target {
  host: string
  port: number
  database: string
  user: string
  password: string
  /** Wins over `password`; read at each connect. */
  passwordFile: string | undefined
  /** The URL's own sslmode, if it has one. */
  sslMode: SslMode | undefined
}

const expected = 'Expected postgres://user:password@host:port/database.'

/**
 * Takes a connection URL apart; nothing of it is filled in from PG* variables or the operating system.
 *
 * @throws {ConfigurationError} naming the part that is missing or not understood, never the password.
 */
export function parseTarget(url: string, passwordFile?: string): Target {
  // Callers without types give undefined where a variable is not set.
  const read = parseDatabaseUrl(String(url))
  if ('problems' in read)
    throw new ConfigurationError(`The database URL ${read.problems.join('; ')}. ${expected}`)
  if (passwordFile === '') {
    throw new ConfigurationError('Option passwordFile must be the path of a file, or left out.')
  }
  const { host, port = 5432, database, user, password = '', sslMode } = read.parts
  if (host === undefined) throw nameless('host')
  if (user === undefined) throw nameless('user')
  if (database === undefined) throw nameless('database')
  return { host, port, database, user, password, passwordFile, sslMode }
}

const nameless = (part: string): ConfigurationError =>
  new ConfigurationError(`The database URL names no ${part}. ${expected}`)
