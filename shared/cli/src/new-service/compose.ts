import type { ServiceDefinition } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import { type ComposeFile, composeConnections, parseCompose } from '../compose/compose-file.ts'
import { servicePart } from './templates.ts'

/**
 * Adds a service to docker-compose.yml: its two steps, its networks and secrets, its part of the server's connections.
 *
 * Works on the text, so that comments and anchors stay, and then compares what both texts mean.
 *
 * @param services Those that are there already, in order of their ports.
 * @throws {CommandError} The file is not built as this command knows it.
 */
export function addToCompose(
  text: string,
  services: readonly ServiceDefinition[],
  added: ServiceDefinition,
): string {
  const name = added.service
  const last = services.at(-1)?.service ?? ''
  const network = `${name}-database`
  const edits: Edit[] = [
    { before: /^services:$/m, add: `${servicePart('compose/anchors.yml', added)}\n` },
    {
      after: new RegExp(`^  ${last}:\\n(?: {4}.*\\n)+`, 'm'),
      add: `\n${servicePart('compose/services.yml', added)}`,
    },
    { after: listOf('postgres', 'networks'), add: `, ${network}` },
    { after: new RegExp(`^  ${last}-database: \\{.*\\n`, 'm'), add: `  ${network}: { internal: true }\n` },
    { after: new RegExp(`^networks:\\n(?:  .*\\n)*?  ${last}: \\{\\}\\n`, 'm'), add: `  ${name}: {}\n` },
    {
      after: new RegExp(`^secrets:\\n(?:  .*\\n)*?  ${last}_health_token: .*\\n`, 'm'),
      add: secretLines(name),
    },
  ]
  if (parseCompose(text).services.prometheus !== undefined) {
    edits.push(
      { after: listOf('prometheus', 'secrets'), add: `, ${name}_health_token` },
      { after: listOf('prometheus', 'networks'), add: `, ${name}` },
    )
  }
  const grown = withConnections(edits.reduce(apply, text), [...services, added])
  const problem = difference(parseCompose(text), parseCompose(grown), name)
  if (problem !== null)
    throw new CommandError(
      `docker-compose.yml cannot be extended: ${problem}. Add ${name} to it by hand first.`,
    )
  return grown
}

/** A list in brackets in a container, up to its last entry; long ones have a line for each entry. */
const listOf = (container: string, key: string): RegExp =>
  new RegExp(`^  ${container}:\\n(?: {4}.*\\n)*? {4}${key}:\\s*\\[[^\\]]*?(?=,?\\s*\\])`, 'm')

interface Edit {
  readonly before?: RegExp
  readonly after?: RegExp
  readonly add: string
}

function apply(text: string, { before, after, add }: Edit): string {
  const found = (before ?? after)?.exec(text)
  if (!found)
    throw new CommandError(
      `docker-compose.yml has no place for this, as ${before ?? after} is not there:\n${add}`,
    )
  const at = found.index + (before === undefined ? found[0].length : 0)
  return text.slice(0, at) + add + text.slice(at)
}

function secretLines(name: string): string {
  return ['app_password', 'migrator_password', 'health_token']
    .map((secret) => `  ${name}_${secret}: { file: ./.secrets/${name}_${secret} }\n`)
    .join('')
}

/** Raises the server's max_connections where the roles' limits would no longer fit. */
function withConnections(text: string, services: readonly ServiceDefinition[]): string {
  const { maximum, needed } = composeConnections(parseCompose(text), services)
  return needed <= maximum ? text : text.replace(/max_connections=\d+/, `max_connections=${needed}`)
}

/** What every service has a part in. */
const sharers = ['postgres', 'prometheus']

/** The first difference that does not belong to the added service; null when there is none. */
function difference(before: ComposeFile, after: ComposeFile, name: string): string | null {
  const own = new Set([name, `migrate-${name}`, `provision-${name}`, `${name}-database`])
  const sections: [string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>, number][] = [
    ['services', before.services, after.services, 3],
    ['networks', before.networks ?? {}, after.networks ?? {}, 2],
    ['secrets', before.secrets ?? {}, after.secrets ?? {}, 3],
    ['volumes', before.volumes ?? {}, after.volumes ?? {}, 0],
  ]
  for (const [section, old, grown, more] of sections) {
    const added = Object.keys(grown).filter((key) => !Object.hasOwn(old, key))
    if (added.length !== more || !added.every((key) => own.has(key) || key.startsWith(`${name}_`)))
      return `${section} would get ${added.join(', ') || 'nothing'}`
    const changed = Object.keys(old).filter((key) => !Bun.deepEquals(old[key], grown[key]))
    if (changed.some((key) => section !== 'services' || !sharers.includes(key)))
      return `${section} would change ${changed.join(', ')}`
  }
  return null
}
