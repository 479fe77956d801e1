import type { ServiceDefinition } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import { composeConnections, parseCompose } from '../compose/compose-file.ts'

/**
 * Takes a service out of docker-compose.yml: its steps, networks and secrets, and its entries in the lists of others.
 *
 * Works on the text, so that comments stay, and then compares what both texts mean.
 *
 * @throws {CommandError} Something else in the file uses the service.
 */
export function removeFromCompose(text: string, name: string): string {
  const own = ownNames(name)
  const any = own.map((one) => RegExp.escape(one)).join('|')
  const removed = text
    .replace(new RegExp(`^x-${name}-(?:database|app|migrator):.*\\n(?: {2}.*\\n)*`, 'gm'), '')
    .replace(new RegExp(`^ {2}(?:provision-|migrate-)?${name}:\\n(?: {4}.*\\n)+`, 'gm'), '')
    .replace(new RegExp(`^ {2}(?:${any}): \\{.*\\}\\n`, 'gm'), '')
    .replace(/\[[^\][{}]*\]/g, (list) => withoutEntries(list, own))
    .replace(/\n{3,}/g, '\n\n')
  const expected = without(parseCompose(text), new Set(own), name)
  // By its name as a host, others call it.
  const isCalled = removed.includes(`//${name}:`)
  if (!isCalled && Bun.deepEquals(parseCompose(removed), expected)) return removed
  throw new CommandError(
    `docker-compose.yml uses ${name} elsewhere, or is not built as this command knows it: remove ${name} from it by hand first.`,
  )
}

/**
 * Takes back what `new:service` has raised: a max_connections that is just what all services need becomes what the others need. Any
 * other number is somebody's own and stays.
 *
 * @param removed The text without the service.
 */
export function lowerConnections(
  removed: string,
  before: { text: string; services: readonly ServiceDefinition[]; name: string },
): string {
  const { maximum, needed } = composeConnections(parseCompose(before.text), before.services)
  if (maximum !== needed) return removed
  const others = before.services.filter(({ service }) => service !== before.name)
  const left = composeConnections(parseCompose(removed), others).needed
  return removed.replace(/max_connections=\d+/, `max_connections=${left}`)
}

/** Containers, networks and secrets that belong to the service. */
const ownNames = (name: string): string[] => [
  `provision-${name}`,
  `migrate-${name}`,
  `${name}-database`,
  ...['app_password', 'migrator_password', 'health_token'].map((secret) => `${name}_${secret}`),
  name,
]

/** A list in brackets, on one line or with a line for each entry, whose blanks stay as they are. */
function withoutEntries(list: string, own: readonly string[]): string {
  const entries = list.slice(1, -1).split(',')
  const kept = entries.filter((entry) => !own.includes(entry.trim()))
  const [first = '', ...others] = kept
  const begin = /^\s*/.exec(entries[0] ?? '')?.[0] ?? ''
  return kept.length === entries.length ? list : `[${[begin + first.trimStart(), ...others].join(',')}]`
}

/** The same value without keys and entries of these names; of the extensions at the top those of the service. */
function without(value: unknown, own: ReadonlySet<string>, name: string): unknown {
  if (Array.isArray(value))
    return value
      .filter((entry) => typeof entry !== 'string' || !own.has(entry))
      .map((entry) => without(entry, own, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !own.has(key) && !new RegExp(`^x-${name}-(database|app|migrator)$`).test(key))
      .map(([key, member]) => [key, without(member, own, name)]),
  )
}
