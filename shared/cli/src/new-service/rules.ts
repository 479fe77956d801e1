import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../command-line/errors.ts'
import type { ComposeFile } from '../compose/compose-file.ts'

/** The rule that {@link checkName} applies, as a sentence. */
export const nameRule =
  'a name has 2 to 24 lower-case letters and digits, a letter first: it also names folders, roles and a database'

const firstPort = 8001
const lowestPort = 1024
const highestPort = 65_535

/** Words that YAML reads as something other than text, and the start of PostgreSQL's own roles. */
const reservedNames = ['false', 'no', 'null', 'off', 'on', 'pg', 'true', 'yes']

/** What is there already. */
export interface Taken {
  readonly services: readonly { readonly service: string; readonly port: number }[]
  readonly compose: ComposeFile
  /** Where the local PostgreSQL listens. */
  readonly localPort: number
  readonly root: string
}

/** @throws {UsageError} The name breaks the rule, or something has it already. */
export function checkName(name: string, { services, compose, root }: Taken): void {
  if (!/^[a-z][a-z0-9]{1,23}$/.test(name))
    throw new UsageError(`${JSON.stringify(name)} will not do: ${nameRule}.`)
  if (services.some(({ service }) => service === name))
    throw new UsageError(`there is a service ${name} already`)
  if (reservedNames.includes(name)) throw new UsageError(`${name} means something else in YAML or PostgreSQL`)
  const inCompose = [compose.services, compose.networks, compose.volumes, compose.secrets]
  if (inCompose.some((section) => Object.hasOwn(section ?? {}, name)))
    throw new UsageError(`docker-compose.yml has something called ${name} already`)
  for (const folder of [name, `services/${name}`, `drizzle/${name}`, `services/deploy/base/${name}`]) {
    if (existsSync(join(root, folder)))
      throw new UsageError(`the folder ${folder} exists already: remove it or choose another name`)
  }
}

/**
 * The given port, or the lowest free one from 8001 on.
 *
 * @throws {UsageError} It is no port, or taken: by a service, by docker-compose.yml or by the local PostgreSQL.
 */
export function choosePort(text: string | undefined, taken: Taken): number {
  const holders = portHolders(taken)
  if (text === undefined) {
    let port = firstPort
    while (holders.has(port)) port += 1
    return port
  }
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < lowestPort || port > highestPort)
    throw new UsageError(`--port must be a whole number from ${lowestPort} to ${highestPort}, not ${text}`)
  const holder = holders.get(port)
  if (holder !== undefined) throw new UsageError(`port ${port} belongs to ${holder}`)
  return port
}

function portHolders({ services, compose, localPort }: Taken): Map<number, string> {
  const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
    ports.map((entry) => [Number(entry.split(':').at(-2)), `${name} of docker-compose.yml`] as const),
  )
  return new Map([
    [localPort, 'the local PostgreSQL'],
    ...published,
    ...services.map(({ service, port }) => [port, `the service ${service}`] as const),
  ])
}
