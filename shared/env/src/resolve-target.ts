import {
  type ConnectionStringParts,
  connectionOptions,
  type DatabaseTarget,
  type HostLists,
  type Hosts,
  hostList,
  isSocketName,
  joinHosts,
  type OptionTable,
  optionGroups,
  portList,
  type SslMode,
} from '@shared/database'
import type { z } from 'zod'
import { targetVariables } from './database-variables.ts'
import type { Issues } from './issues.ts'
import { optionVariables, variableValue } from './option-variables.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The pieces of an address that must be said by the URL or by a variable. */
export type Piece = 'host' | 'database' | 'user' | 'password'

const pieces = [
  { piece: 'host', variable: 'DATABASE_HOST', label: 'host' },
  { piece: 'database', variable: 'DATABASE_NAME', label: 'database' },
  { piece: 'user', variable: 'DATABASE_USER', label: 'user' },
  { piece: 'password', variable: 'DATABASE_PASSWORD', label: 'password' },
] as const satisfies readonly { piece: Piece; variable: string; label: string }[]

/** Where a database is, as far as it is said. */
export interface ResolvedAddress extends Partial<Omit<DatabaseTarget, 'parameters' | 'sslMode'>> {
  readonly sslMode: SslMode
  readonly parameters: DatabaseTarget['parameters']
  /** What the URL says of options, as values of their variables: they hold. */
  readonly ofUrl: Readonly<Record<string, unknown>>
}

interface Form extends HostLists {
  readonly database?: string
  readonly user?: string
  readonly password?: string
}

/**
 * Joins DATABASE_URL and the parts into one target.
 *
 * Either form may be partial; where both say the same thing they must agree, the options of the connection and the pool too, and
 * what `required` lists must be said by one of them. Nothing is taken from the operating system's user or from `PG*` variables.
 *
 * Call it when every variable has been read on its own: a variable with an issue already is not called missing.
 */
export function resolveTarget(
  definition: ServiceDefinition,
  environment: Environment,
  issues: Issues,
  required: readonly Piece[],
): ResolvedAddress {
  const table = targetVariables(definition)
  const url: ConnectionStringParts | undefined = parse(table.DATABASE_URL.schema, environment.DATABASE_URL)
  const fromUrl: Form = url ?? {}
  const hostVariable = parse(table.DATABASE_HOST.schema, environment.DATABASE_HOST)
  const fromParts: Form = {
    names: hostVariable?.names,
    ports: parse(table.DATABASE_PORT.schema, environment.DATABASE_PORT) ?? hostVariable?.ports,
    database: parse(table.DATABASE_NAME.schema, environment.DATABASE_NAME),
    user: parse(table.DATABASE_USER.schema, environment.DATABASE_USER),
    password: parse(table.DATABASE_PASSWORD.schema, environment.DATABASE_PASSWORD)?.reveal(),
  }
  reportContradictions(fromUrl, fromParts, issues)
  const ofUrl = optionsOfUrl(url, environment, issues)
  const hosts = resolveHosts(fromUrl, fromParts, issues)
  const sslMode =
    url?.connection.sslMode ?? parse(table.DATABASE_SSL_MODE.schema, environment.DATABASE_SSL_MODE)
  const knows = (piece: Piece): boolean =>
    piece === 'host'
      ? namesHost(fromUrl) || namesHost(fromParts)
      : (fromUrl[piece] ?? fromParts[piece]) !== undefined
  const isWithoutPassword = logsInWithoutPassword(hosts, url, environment)
  const missing = required.filter((piece) => !knows(piece) && !(piece === 'password' && isWithoutPassword))
  reportMissing(environment, missing, missing.length === required.length, issues)
  const database = fromUrl.database ?? fromParts.database
  if (!issues.has('DATABASE_URL')) {
    const variable = fromUrl.database === undefined ? 'DATABASE_NAME' : 'DATABASE_URL'
    checkName(definition, environment, database, variable, issues)
  }
  return {
    hosts,
    database,
    user: fromUrl.user ?? fromParts.user,
    password: fromUrl.password ?? fromParts.password ?? (isWithoutPassword ? '' : undefined),
    sslMode: sslMode ?? connectionOptions.sslMode.default,
    parameters: url?.parameters ?? {},
    ofUrl,
  }
}

/** The hosts and ports of a target as the variables that would name them. */
export const addressVariables = (hosts: Hosts) => ({
  DATABASE_HOST: hostList(hosts),
  DATABASE_PORT: portList(hosts),
})

/** What a variable's text is read as; undefined where it is unset or wrong, which is reported elsewhere. */
export function parse<S extends z.ZodType>(schema: S, text: string | undefined): z.output<S> | undefined {
  return text === undefined ? undefined : schema.safeParse(text).data
}

const namesHost = ({ names, addresses }: HostLists): boolean => (names ?? addresses) !== undefined

function reportContradictions(fromUrl: Form, fromParts: Form, issues: Issues): void {
  const both: [variable: string, label: string, url: unknown, part: unknown][] = [
    // DNS ignores case; roles and databases do not.
    ['DATABASE_HOST', 'host', listed(fromUrl.names)?.toLowerCase(), listed(fromParts.names)?.toLowerCase()],
    ['DATABASE_PORT', 'port', portsOf(fromUrl), portsOf(fromParts)],
    ['DATABASE_NAME', 'database', fromUrl.database, fromParts.database],
    ['DATABASE_USER', 'user', fromUrl.user, fromParts.user],
    ['DATABASE_PASSWORD', 'password', fromUrl.password, fromParts.password],
  ]
  for (const [variable, label, url, part] of both) {
    if (url !== undefined && part !== undefined && url !== part) issues.add(variable, differs(label))
  }
}

const differs = (label: string): string =>
  `and DATABASE_URL name a different ${label}: make them agree or drop one`

const listed = (items: readonly unknown[] | undefined): string | undefined => items?.join(',')

/** Ports to compare: one for all is the same as that one each. */
function portsOf({ ports }: HostLists): string | undefined {
  return ports && listed(new Set(ports).size === 1 ? ports.slice(0, 1) : ports)
}

function resolveHosts(fromUrl: Form, fromParts: Form, issues: Issues): Hosts | undefined {
  const isUrls = namesHost(fromUrl)
  const { names, addresses } = isUrls ? fromUrl : fromParts
  const hosts = joinHosts({ names, addresses, ports: fromUrl.ports ?? fromParts.ports })
  if (typeof hosts !== 'string') return hosts
  const variable = fromUrl.ports === undefined ? 'DATABASE_PORT' : isUrls ? 'DATABASE_URL' : 'DATABASE_HOST'
  if (!issues.has(variable)) issues.add(variable, hosts)
  return undefined
}

/** What the URL says of options, as values of their variables; where such a variable is set they must agree. */
function optionsOfUrl(
  url: ConnectionStringParts | undefined,
  environment: Environment,
  issues: Issues,
): Readonly<Record<string, unknown>> {
  const said: Record<string, unknown> = {}
  for (const group of ['pool', 'connection'] as const) {
    const table: OptionTable = optionGroups[group]
    const values: Readonly<Record<string, unknown>> = { ...url?.[group] }
    const variables: VariableTable = optionVariables(table)
    for (const [name, option] of Object.entries(table)) {
      const { variable } = option
      const schema = variables[variable]?.schema
      if (values[name] === undefined || schema === undefined) continue
      const value = variableValue(option, values[name])
      const set = parse(schema, environment[variable])
      if (set !== undefined && set !== value)
        issues.add(variable, differs(name === 'sslMode' ? 'SSL mode' : 'value'))
      said[variable] = value
    }
  }
  return said
}

/** Whether the server may know who it is by other means: a password file, a certificate, the user of a Unix socket. */
function logsInWithoutPassword(
  hosts: Hosts | undefined,
  url: ConnectionStringParts | undefined,
  environment: Environment,
): boolean {
  const { passFile = environment.DATABASE_PASSFILE, sslCert = environment.DATABASE_SSL_CERT } =
    url?.connection ?? {}
  if (passFile !== undefined || sslCert !== undefined) return true
  return hosts?.every(({ name }) => isSocketName(name)) ?? false
}

/** @param isEverything Whether nothing at all is said. */
function reportMissing(
  environment: Environment,
  missing: readonly Piece[],
  isEverything: boolean,
  issues: Issues,
): void {
  // An unreadable URL says nothing about what it would have named.
  if (issues.has('DATABASE_URL')) return
  const found = pieces.filter(({ piece, variable }) => missing.includes(piece) && !issues.has(variable))
  if (found.length === 0) return
  const variables = found.map(({ variable }) => variable).join(', ')
  if (environment.DATABASE_URL !== undefined) {
    const labels = found.map(({ label }) => label).join(', ')
    issues.add('DATABASE_URL', `names no ${labels}: add it there or set ${variables}`)
  } else if (isEverything && found.length === missing.length) {
    issues.add('DATABASE_URL', `is required, or in its place ${variables}`)
  } else {
    for (const { variable } of found) issues.add(variable, 'is required (or DATABASE_URL)')
  }
}

/** Checks that a name, if one is given, is that of the service's own database, unless DATABASE_NAME_CHECK is false. */
export function checkName(
  definition: ServiceDefinition,
  environment: Environment,
  given: string | undefined,
  variable: string,
  issues: Issues,
): void {
  const { service, database } = definition
  const { schema } = targetVariables(definition).DATABASE_NAME_CHECK
  if (given === undefined || given === database) return
  if (parse(schema, environment.DATABASE_NAME_CHECK) === false) return
  // A name that is none is not repeated: it may be the tail of a password that was not escaped.
  const named = /^[a-z_][\w$-]*$/i.test(given) ? given : 'another database'
  issues.add(
    variable,
    `${service} owns ${database}, ${variable} names ${named} (DATABASE_NAME_CHECK=false allows it)`,
  )
}
