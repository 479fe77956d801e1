import { readFileSync } from 'node:fs'
import { parseDatabaseUrl } from '@shared/database'
import { findPostgres, startPostgres } from '@shared/postgres'
import { CommandError, UsageError } from '../command-line/errors.ts'
import { committedEnvironment, type ServerAddress } from '../workspace/service-environment.ts'
import { type Service, serviceNames } from '../workspace/services.ts'

/** The options of every command that may use the local server. */
export const dataRootOption = {
  'data-root': {
    type: 'string',
    value: 'folder',
    description: "Folder of the local server's data. Default .data/postgres.",
  },
} as const

/** A server that databases can be made on. */
export interface AdminServer extends ServerAddress {
  readonly adminUrl: string
  /** Whether it is this repository's own, where everything may be changed; any other may hold databases of others. */
  readonly local: boolean
  /** For the terminal: `PostgreSQL 18.4 on 127.0.0.1:54320 (started)`. */
  readonly description: string
  /** Ends this process's use of it; the local server's last user stops it. */
  release(): Promise<unknown>
}

/**
 * Uses the server that DATABASE_ADMIN_URL (or `_FILE`) names, else the local one, which is started or joined.
 *
 * @param options.adminUrl Wins over the variable.
 * @param options.services The local server prefers the port that their committed environment names.
 */
export async function openAdminServer(options: {
  services: readonly Service[]
  dataRoot?: string
  adminUrl?: string
}): Promise<AdminServer> {
  const adminUrl = options.adminUrl ?? givenAdminUrl()
  if (adminUrl !== undefined) {
    const address = addressOf(adminUrl)
    const description = `server ${address.host}:${address.port} (from the admin URL)`
    return { adminUrl, local: false, ...address, description, release: async () => undefined }
  }
  const server = await startPostgres({
    dataRoot: options.dataRoot,
    port: preferredPort(options.services),
    lifetime: 'session',
    settings: localSettings(),
    onNotice: (line) => console.error(line),
  })
  const { host, port, version } = server
  return {
    adminUrl: server.adminUrl,
    local: true,
    host,
    port,
    description: `PostgreSQL ${version} on ${host}:${port} (${server.startedHere ? 'started' : 'joined'})`,
    release: () => server.release(),
  }
}

/**
 * Settings of the local server: connections for twice what every service opens by default, as that is what a role may
 * have, and for the steps that prepare its database. PostgreSQL's own 100 would do for three services and no more.
 */
export function localSettings(): Readonly<Record<string, string>> {
  const needed = serviceNames().length * (2 * 31 + 3) + 3
  return { max_connections: String(Math.max(100, Math.ceil(needed / 10) * 10)) }
}

/** The running server of the services' databases, without starting one: null where none is known to run. */
export async function findServer(options: {
  dataRoot?: string
  adminUrl?: string
}): Promise<ServerAddress | null> {
  const adminUrl = options.adminUrl ?? givenAdminUrl()
  if (adminUrl !== undefined) return addressOf(adminUrl)
  return await findPostgres({ dataRoot: options.dataRoot })
}

/** The port that the committed environments name for the local server. Default 54320. */
export function preferredPort(services: readonly Service[]): number {
  for (const service of services) {
    const port = Number(committedEnvironment(service).DATABASE_PORT)
    if (Number.isInteger(port) && port > 0) return port
  }
  return 54_320
}

/** DATABASE_ADMIN_URL, or what the file of DATABASE_ADMIN_URL_FILE holds. @throws {CommandError} */
export function givenAdminUrl(): string | undefined {
  const { DATABASE_ADMIN_URL: url, DATABASE_ADMIN_URL_FILE: file } = process.env
  if (url && file)
    throw new CommandError('DATABASE_ADMIN_URL and DATABASE_ADMIN_URL_FILE are both set: keep one.')
  if (!file) return url || undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new CommandError('DATABASE_ADMIN_URL_FILE names a file that cannot be read.', { cause })
  }
}

function addressOf(adminUrl: string): ServerAddress {
  const read = parseDatabaseUrl(adminUrl)
  // The URL itself must not be repeated: it holds a password.
  if ('problems' in read) throw new UsageError(`the admin URL ${read.problems.join(', ')}`)
  const { host = '127.0.0.1', port = 5432, sslMode } = read.parts
  return { host, port, sslMode }
}
