import { ConfigurationError, shownValue } from '@shared/pool'
import type { ConnectionOptions } from '../options.ts'
import type { Target } from './target.ts'

/** Settings of the server by their names, as `SET` has them, with their values as text. */
export type SessionSettings = Readonly<Record<string, string>>

/** A setting, its value, and what gave it. */
interface Owned {
  readonly name: string
  readonly value: string
  readonly owner: string
}

const isName = /^[a-z_][a-z0-9_$]{0,62}(?:\.[a-z_][a-z0-9_$]{0,62}){0,3}$/i

/** What can't be set, and why: the values of rows and parameters would be read or written wrongly, or it is no setting. */
const refusals: Readonly<Record<string, string>> = {
  client_encoding: 'texts are sent and read as UTF8',
  datestyle: 'dates and times are read as ISO has them',
  bytea_output: 'bytes are read in hex',
  standard_conforming_strings: 'statements are written and read with it on',
  array_nulls: 'arrays are written with it on',
  user: 'who logs in is the user of the URL',
  database: 'where to is the database of the URL',
  replication: 'connections for replication are not offered',
  options: 'it is the option connection.options',
}

// The server takes no StartupMessage above 10 000 bytes (MAX_STARTUP_PACKET_LENGTH).
const mostBytes = 8_192

/** The options that have a setting of their own, as far as they say something. */
const settingOf = {
  applicationName: 'application_name',
  statementTimeoutMs: 'statement_timeout',
  planCacheMode: 'plan_cache_mode',
} as const satisfies Partial<Record<keyof ConnectionOptions, string>>

/**
 * Adds settings to those that the connection string asks for at the login: what a session begins with, and RESET brings back.
 *
 * @param given The option `connection.settings`.
 * @param connection The other options, with what the string says of them.
 * @throws {ConfigurationError} naming a setting that can't be set or has no text, or both places that give it differently.
 */
export function withSettings(
  target: Target,
  given: SessionSettings | undefined,
  connection: ConnectionOptions,
): Target {
  const ours = entriesOf(given)
  const others = [
    ...ownedBy(target.settings, (name) => `${name} of the database URL`),
    ...optionSettings(connection, target),
  ]
  for (const setting of [...ours, ...others]) refuseFixed(setting)
  refuseContradictions([...ours, ...others])
  const settings = { ...target.settings }
  const { ...own } = target.connection
  for (const { name, value } of ours) {
    // What goes by this name has one for itself: the connection for health.
    if (name.toLowerCase() === settingOf.applicationName) own.applicationName = value
    else settings[name] = value
  }
  return { ...target, settings, connection: own }
}

/** The settings that are asked for at a login by a target and `-c` of its options, with what gave each. */
export function settingOwners(target: Target, options: ConnectionOptions): ReadonlyMap<string, string> {
  const owned = [
    ...ownedBy(target.settings, (name) => `${name} of connection.settings or the database URL`),
    ...optionSettings(options, target),
  ]
  return new Map(owned.map(({ name, owner }) => [name.toLowerCase(), owner]))
}

function entriesOf(given: SessionSettings = {}): Owned[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ConfigurationError(
      `Option connection.settings must be an object of names and texts, got ${shownValue(given)}.`,
    )
  const owned = ownedBy(given, (name) => `connection.settings.${name}`)
  for (const { name, value, owner } of owned) {
    if (!isName.test(name))
      throw new ConfigurationError(
        `Option connection.settings has a name that is none of a setting: ${shownValue(name)}.`,
      )
    if (typeof value !== 'string' || value.includes('\0'))
      throw new ConfigurationError(
        `Option ${owner} must be text, as SET has it between quotes, got ${typeof value === 'string' ? 'a text with a NUL' : typeof value}.`,
      )
  }
  const bytes = Buffer.byteLength(owned.map(({ name, value }) => `${name}=${value}`).join(''))
  if (bytes > mostBytes)
    throw new ConfigurationError(
      `Option connection.settings must be ${mostBytes} bytes at most, got ${bytes}.`,
    )
  return owned
}

function ownedBy(settings: SessionSettings, ownerOf: (name: string) => string): Owned[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value, owner: ownerOf(name) }))
}

/** What other options than `settings` set. */
function optionSettings(connection: ConnectionOptions, { connection: said }: Target): Owned[] {
  const ownerOf = (option: keyof ConnectionOptions) =>
    said[option] === undefined ? `connection.${option}` : `${option} of the database URL`
  const owned = Object.entries(settingOf).flatMap(([key, name]) => {
    const option = key as keyof typeof settingOf
    const value = connection[option]
    const saysNothing = value === undefined || value === 0 || value === 'auto'
    return saysNothing ? [] : [{ name, value: String(value), owner: ownerOf(option) }]
  })
  const inOptions = readOptions(connection.options ?? '')
  return [
    ...owned,
    ...inOptions.map((setting) => ({ ...setting, owner: `-c ${setting.name} of ${ownerOf('options')}` })),
  ]
}

/** The settings in options of libpq: `-c name=value`, `-cname=value` and `--name=value`, with backslashes before spaces. */
function readOptions(options: string): { name: string; value: string }[] {
  const words = options.match(/(?:\\.|[^\s\\])+/gs)?.map((word) => word.replaceAll(/\\(.)/gs, '$1')) ?? []
  return words.flatMap((word, place) => {
    const [, text] = (words[place - 1] === '-c' ? ['', word] : /^(?:-c|--)(.+)$/s.exec(word)) ?? []
    const [, name, value] = /^([\w.$-]+)=(.*)$/s.exec(text ?? '') ?? []
    return name === undefined || value === undefined ? [] : [{ name: name.replaceAll('-', '_'), value }]
  })
}

function refuseFixed({ name, owner }: Owned): void {
  const reason =
    refusals[name.toLowerCase()] ?? (/^_pq_\./i.test(name) ? 'it is a word of the protocol' : undefined)
  if (reason !== undefined)
    throw new ConfigurationError(`The setting ${name} can't be set (${owner}): ${reason}.`)
}

function refuseContradictions(settings: readonly Owned[]): void {
  const seen = new Map<string, Owned>()
  for (const setting of settings) {
    const name = setting.name.toLowerCase()
    const before = seen.get(name)
    if (before && before.value !== setting.value)
      throw new ConfigurationError(
        `The setting ${name} is given twice and differs: ${before.owner} and ${setting.owner}. Give it in one place.`,
      )
    seen.set(name, setting)
  }
}
