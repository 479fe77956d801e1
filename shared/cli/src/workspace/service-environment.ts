import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parseConnectionString } from '@shared/database'
import { readFolderEnvironment } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import { repositoryRoot } from './packages.ts'
import type { Service } from './services.ts'

/** Variables by name. */
export type Environment = Record<string, string>

/** A service with the whole of the environment it runs in. */
export interface ServiceSetup {
  readonly service: Service
  readonly environment: Readonly<Environment>
  /** Whether its database is on a server that is started, provisioned or migrated only on request. */
  readonly external: boolean
  /** Variables whose password was generated, as none was given. */
  readonly generated?: readonly string[]
}

/** Where a database server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Given with its address; undefined where it was not. */
  readonly sslMode?: string
  /** Servers that replicate from it, where there are any and they are known. */
  readonly standbys?: readonly { readonly host: string; readonly port: number }[]
}

/** Where migrations and listen() go instead of to the address of the service. */
const directVariables = ['DATABASE_DIRECT_URL', 'DATABASE_DIRECT_URL_FILE']

/** Hidden from services: with them a service could reach the databases of others. */
const adminVariables = ['DATABASE_ADMIN_URL', 'DATABASE_ADMIN_URL_FILE', 'TEST_DATABASE_ADMIN_URL']

/**
 * Composes the environment of each service: this process's, completed by the `.env` files of the service's folder.
 *
 * Outside production a service is external as soon as it was given a DATABASE_URL or a DATABASE_DIRECT_URL, or a host or a
 * port other than the committed `.env.development` names. A URL replaces the parts that only that file names, as they would contradict it.
 *
 * @param options.mode NODE_ENV of the services. Default: what this process was given, else `development`.
 * @throws {CommandError} A variable of this process's environment can be meant for one service only.
 */
export function composeEnvironments(
  services: readonly Service[],
  options: { mode?: string; environment?: Readonly<Record<string, string | undefined>> } = {},
): ServiceSetup[] {
  const given = options.environment ?? ownEnvironment()
  if (services.length > 1) refuseSharedValues(services, given)
  const mode = options.mode ?? (given.NODE_ENV || 'development')
  return services.map((service) => compose(service, { ...given, NODE_ENV: mode }))
}

/** The same service on the server at this address, unless its own environment names another. */
export function onServer(setup: ServiceSetup, server: ServerAddress): ServiceSetup {
  if (setup.external) return setup
  const environment: Environment = { ...setup.environment, ...hostVariables(server) }
  if (server.sslMode !== undefined) environment.DATABASE_SSL_MODE ??= server.sslMode
  return { ...setup, environment }
}

/** The variables that lead a service to a server and its standbys: it finds out which of them is the primary. */
function hostVariables(server: ServerAddress): Environment {
  const hosts = [server, ...(server.standbys ?? [])]
  return {
    DATABASE_HOST: hosts.map(({ host }) => host).join(','),
    DATABASE_PORT: hosts.map(({ port }) => port).join(','),
  }
}

/** Where a service listens, as far as its environment is right; port 0 stands for any. */
export function listenAddress({ service, environment }: ServiceSetup): ServerAddress {
  const port = /^\d+$/.test(environment.PORT ?? '') ? Number(environment.PORT) : service.port
  return { host: environment.HOST || '0.0.0.0', port }
}

/** `http://127.0.0.1:8001`: where a service is reached from this machine. */
export function baseUrl(setup: ServiceSetup): string {
  const { host, port } = listenAddress(setup)
  const reachable: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }
  return `http://${reachable[host] ?? (host.includes(':') ? `[${host}]` : host)}:${port}`
}

/** What the service's process is given: all of it but the migrator's login, also where an address has one. */
export function runtimeEnvironment({ environment }: ServiceSetup): Environment {
  const isMigrators = ([name, value]: [string, string]) =>
    name.startsWith('MIGRATION_') ||
    name === 'DATABASE_DIRECT_URL_FILE' ||
    (name === 'DATABASE_DIRECT_URL' && !isWithoutLogin(value))
  return Object.fromEntries(Object.entries(environment).filter((variable) => !isMigrators(variable)))
}

/** Of a file, and of a URL that cannot be read, nobody knows here. */
function isWithoutLogin(url: string): boolean {
  const read = parseConnectionString(url)
  return 'parts' in read && (read.parts.user ?? read.parts.password) === undefined
}

/** The committed values for local work. */
export function committedEnvironment(service: Service): Readonly<Record<string, string | undefined>> {
  const file = join(service.folder, '.env.development')
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
}

/**
 * This process's environment without what Bun read from `.env` files because of where it was started: in one service's
 * folder, its values would otherwise look like given ones and win over another service's files.
 */
export function ownEnvironment(): Readonly<Record<string, string | undefined>> {
  if (process.cwd() === repositoryRoot) return process.env
  const fromFiles = readFolderEnvironment(process.cwd(), { NODE_ENV: process.env.NODE_ENV })
  const environment = Object.entries(process.env).filter(
    ([name, value]) => value !== fromFiles[name] || (name === 'NODE_ENV' && value !== 'development'),
  )
  return Object.fromEntries(environment)
}

function compose(service: Service, given: Readonly<Record<string, string | undefined>>): ServiceSetup {
  const environment = readFolderEnvironment(service.folder, given)
  for (const name of adminVariables) delete environment[name]
  const committed = committedEnvironment(service)
  const byUrl = isSet(environment.DATABASE_URL) || isSet(environment.DATABASE_URL_FILE)
  const isDirect = directVariables.some((name) => isSet(environment[name]))
  const moved = ['DATABASE_HOST', 'DATABASE_PORT'].some(
    (name) => isSet(environment[name]) && environment[name] !== committed[name],
  )
  if (byUrl) {
    for (const name of partsOf(environment.DATABASE_URL)) {
      if (environment[name] === committed[name]) delete environment[name]
    }
  }
  const external = byUrl || isDirect || moved || environment.NODE_ENV === 'production'
  return { service, environment, external }
}

/** The variables that a URL replaces: all of them for a URL in a file. A host without a port means 5432. */
function partsOf(url: string | undefined): string[] {
  const read = isSet(url) ? parseConnectionString(url) : { problems: [] }
  const parts =
    'parts' in read ? read.parts : { names: [], addresses: [], database: '', user: '', password: '' }
  return [
    ...((parts.names ?? parts.addresses) === undefined ? [] : ['DATABASE_HOST', 'DATABASE_PORT']),
    ...(parts.database === undefined ? [] : ['DATABASE_NAME']),
    ...(parts.user === undefined ? [] : ['DATABASE_USER']),
    ...(parts.password === undefined ? [] : ['DATABASE_PASSWORD']),
  ]
}

function refuseSharedValues(
  services: readonly Service[],
  given: Readonly<Record<string, string | undefined>>,
): void {
  const names = services.map(({ service }) => service).join(', ')
  const advice = `Set it in services/<name>/.env.local, or name one service.`
  for (const name of ['DATABASE_URL', 'DATABASE_DIRECT_URL']) {
    if (!isSet(given[`${name}_FILE`]) && !namesDatabase(given[name])) continue
    throw new CommandError(
      `${name} names one database, and ${services.length} services would share it (${names}). ${advice}`,
    )
  }
  if (isSet(given.PORT) && given.PORT !== '0') {
    throw new CommandError(
      `PORT is one port, and ${services.length} services would share it (${names}). ${advice}`,
    )
  }
}

function namesDatabase(url: string | undefined): boolean {
  const read = isSet(url) ? parseConnectionString(url) : null
  return read !== null && ('problems' in read || read.parts.database !== undefined)
}

// A variable set to nothing counts as unset.
function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
