import type { ServiceDefinition } from '@shared/env'
import { rolesOf } from '../databases/provisioning.ts'

/** What this CLI reads of docker-compose.yml. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeContainer>>
  readonly networks?: Readonly<Record<string, unknown>>
  readonly volumes?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, unknown>>
}

interface ComposeContainer {
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, unknown>>
  readonly ports?: readonly string[]
}

/** Reads the text of docker-compose.yml. */
export const parseCompose = (text: string): ComposeFile => Bun.YAML.parse(text) as ComposeFile

/** How many connections docker-compose.yml lets its services have, and what its server needs for them. */
export interface ComposeConnections {
  /** What the roles of all services may have together. */
  readonly allowed: number
  /** What the server has for them. */
  readonly available: number
  /** The server's max_connections. */
  readonly maximum: number
  /** The max_connections that would do, a multiple of ten. */
  readonly needed: number
}

const serverDefault = 100
const reservedForSuperusers = 3
/** A provisioner has two, a migration one. */
const forSteps = 3

/**
 * Adds up the connection limits that the provisioners of docker-compose.yml set.
 *
 * @throws {EnvironmentError} The environment of a provisioner is wrong.
 */
export function composeConnections(
  compose: ComposeFile,
  services: readonly ServiceDefinition[],
): ComposeConnections {
  const limits = services.map(({ service, database, port }) => {
    const given = compose.services[`provision-${service}`]?.environment ?? {}
    const environment = Object.fromEntries(Object.entries(given).flatMap(withoutSecret))
    const definition = { service, database, port, folder: '', schemaFolder: '', sourceFolders: [] }
    return rolesOf({ service: definition, environment, external: true }).app.connectionLimit
  })
  const settings = compose.services.postgres?.command?.join(' ') ?? ''
  const maximum = Number(/max_connections=(\d+)/.exec(settings)?.[1] ?? serverDefault)
  const allowed = limits.reduce((sum, limit) => sum + limit, 0)
  const others = reservedForSuperusers + services.length * forSteps
  return { allowed, available: maximum - others, maximum, needed: Math.ceil((allowed + others) / 10) * 10 }
}

/** No limit depends on a password, so that any stands for the one in the secret's file. */
function withoutSecret([name, value]: readonly [string, unknown]): [string, string][] {
  if (name.startsWith('DATABASE_ADMIN_URL')) return []
  return [name.endsWith('_FILE') ? [name.slice(0, -'_FILE'.length), 'unknown'] : [name, String(value)]]
}
