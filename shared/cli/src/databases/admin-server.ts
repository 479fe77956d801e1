import { readFileSync } from 'node:fs'
import { joinHosts, parseConnectionString } from '@shared/database'
import { findLocalCluster, startLocalCluster } from '@shared/postgres'
import { CommandError, UsageError } from '../command-line/errors.ts'
import { notice } from '../command-line/notice.ts'
import {
  committedEnvironment,
  composeEnvironments,
  onServer,
  type ServerAddress,
  type ServiceSetup,
} from '../workspace/service-environment.ts'
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
  /** For the terminal: `PostgreSQL 18.4 on 127.0.0.1:54320 (started), standby on 127.0.0.1:54321 (started)`. */
  readonly description: string
  /** Ends this process's use of it and of its standbys; the local servers' last user stops them. */
  release(): Promise<unknown>
}

/**
 * Uses the server that DATABASE_ADMIN_URL (or `_FILE`) names, else the local one, which is started or joined.
 *
 * @param options.adminUrl Wins over the variable.
 * @param options.services The local server prefers the port that their committed environment names.
 * @param options.replicas Standbys of the local server. Default 0.
 * @throws {UsageError} Standbys are asked for of a server that is not the local one.
 */
export async function openAdminServer(options: {
  services: readonly Service[]
  dataRoot?: string
  adminUrl?: string
  replicas?: number
}): Promise<AdminServer> {
  const adminUrl = options.adminUrl ?? givenAdminUrl()
  const { replicas = 0 } = options
  if (adminUrl !== undefined) {
    if (replicas > 0) throw new UsageError('--replicas is for the local server, and an admin URL is given')
    const address = addressOf(adminUrl)
    const description = `server ${address.host}:${address.port} (from the admin URL)`
    return { adminUrl, local: false, ...address, description, release: async () => undefined }
  }
  const { primary, standbys, release } = await startLocalCluster({
    dataRoot: options.dataRoot,
    standbys: replicas,
    port: preferredPort(options.services),
    lifetime: 'session',
    settings: localSettings(),
    onNotice: notice,
  })
  const servers = [primary, ...standbys].map((server) => {
    const name = server === primary ? `PostgreSQL ${server.version}` : 'standby'
    return `${name} on ${server.host}:${server.port} (${server.startedHere ? 'started' : 'joined'})`
  })
  return {
    adminUrl: primary.adminUrl,
    local: true,
    host: primary.host,
    port: primary.port,
    standbys,
    description: servers.join(', '),
    release,
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
  const { primary, standbys } = await findLocalCluster({ dataRoot: options.dataRoot })
  return primary === null ? null : { ...primary, standbys }
}

/**
 * The services with their environments, on the running local server or that of DATABASE_ADMIN_URL where nothing else is said.
 *
 * @throws {CommandError} The local server is meant and does not run: what else may listen on its port, such as the server of
 * another checkout with the same names and passwords, is not meant.
 */
export async function findSetups(
  services: readonly Service[],
  options: { dataRoot?: string },
): Promise<ServiceSetup[]> {
  const setups = composeEnvironments(services)
  if (setups.every(({ external }) => external)) return setups
  const server = await findServer(options)
  if (server === null) {
    const folder = options.dataRoot === undefined ? '' : ` with its data in ${options.dataRoot}`
    throw new CommandError(
      `The local PostgreSQL${folder} does not run: start it with bun run dev, or bun run db:start.`,
    )
  }
  return setups.map((setup) => onServer(setup, server))
}

/** The option of every command that starts the local server. */
export const replicasOption = {
  replicas: {
    type: 'string',
    value: 'number',
    description: 'Standbys of the local PostgreSQL, on the ports after its own.',
  },
} as const

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
  const read = parseConnectionString(adminUrl)
  // The URL itself must not be repeated: it holds a password.
  if ('problems' in read) throw new UsageError(`the admin URL ${read.problems.join(', ')}`)
  const hosts = joinHosts(read.parts)
  const { name: host, port } =
    hosts === undefined || typeof hosts === 'string' ? { name: '127.0.0.1', port: 5432 } : hosts[0]
  return { host, port, sslMode: read.parts.connection.sslMode }
}
