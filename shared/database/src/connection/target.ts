import { ConfigurationError, type PoolOptions } from '@shared/pool'
import type { ConnectionOptions } from '../options.ts'
import { joinHosts } from './connection-string/hosts.ts'
import { parseConnectionString } from './connection-string/parse.ts'
import type { TlsDetails } from './connection-string/said.ts'
import type { Hosts } from './host.ts'

export { type Host, hostName } from './host.ts'

/** Where a database is and who connects to it. */
export interface Target {
  /** One or more: servers of one cluster. */
  hosts: Hosts
  database: string
  user: string
  password: string
  /** Wins over `password`; read at each connect. */
  passwordFile: string | undefined
  /** Settings of the server that the string asks for at login. */
  settings: Readonly<Record<string, string>>
  /** What the string says of TLS beside the options. */
  tls: TlsDetails
  /** Ways to log in that are allowed, as require_auth of libpq has them; undefined: any. */
  requireAuth: string | undefined
  /** The string's own options: they win over the same ones given otherwise. */
  connection: Readonly<Partial<ConnectionOptions>>
  pool: Readonly<Partial<PoolOptions>>
  /** What the string says without effect, and why; no values. */
  notes: readonly string[]
}

const expected = 'Expected postgresql://user:password@host:port/database.'

/**
 * Takes a connection string apart; nothing of it is filled in from PG* variables or the operating system.
 *
 * @param url A URI or keyword=value pairs, as libpq has both.
 * @throws {ConfigurationError} naming the part that is missing or not understood, never the password.
 */
export function parseTarget(url: string, passwordFile?: string): Target {
  // Callers without types give undefined where a variable is not set.
  const read = parseConnectionString(String(url))
  if ('problems' in read)
    throw new ConfigurationError(`The database URL ${read.problems.join('; ')}. ${expected}`)
  if (passwordFile === '') {
    throw new ConfigurationError('Option passwordFile must be the path of a file, or left out.')
  }
  const { database, user, password = '', requireAuth, ...said } = read.parts
  const hosts = joinHosts(read.parts)
  if (hosts === undefined || typeof hosts === 'string') throw nameless('host')
  if (user === undefined) throw nameless('user')
  if (database === undefined) throw nameless('database')
  const { settings, tls, connection, pool, notes } = said
  return {
    hosts,
    database,
    user,
    password,
    passwordFile,
    settings,
    tls,
    requireAuth,
    connection,
    pool,
    notes,
  }
}

const nameless = (part: string): ConfigurationError =>
  new ConfigurationError(`The database URL names no ${part}. ${expected}`)
