import { ConfigurationError } from '@shared/pool'
import { type SQL, sql } from 'drizzle-orm'

/** Settings for the time of a transaction, by name. */
export type Settings = Readonly<Record<string, string | number | bigint | boolean>>

const longestNameBytes = 63
// A name as a setting of one's own may have it; without a dot it is one of the server's (role, TimeZone …).
const settingName = /^[a-z_][\w$]*(?:\.[a-z_][\w$]*)*$/i
const notText = /\0/

/** One setting, ready to be sent. */
export type Setting = readonly [name: string, value: string]

/**
 * Reads the settings of a call.
 *
 * @throws {ConfigurationError} naming the setting, never its value: a value that is missing must not mean that of nobody.
 */
export function readSettings(settings: unknown): readonly Setting[] {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new ConfigurationError(
      `Option settings of session() must be an object of names and values, got ${settings === null ? 'null' : typeof settings}.`,
    )
  const entries = Object.entries(settings)
  if (entries.length === 0)
    throw new ConfigurationError(
      'Option settings of session() is empty: name one setting at least, or use transaction().',
    )
  return entries.map(([name, value]) => [checkedName(name), checkedValue(name, value)] as const)
}

/** The statement that makes them hold until the transaction ends; names and values are parameters of it. */
export function settingsQuery(settings: readonly Setting[]): SQL {
  const calls = settings.map(([name, value]) => sql`set_config(${name}, ${value}, true)`)
  return sql`select ${sql.join(calls, sql`, `)}`
}

function checkedName(name: string): string {
  if (settingName.test(name) && Buffer.byteLength(name) <= longestNameBytes) return name
  throw new ConfigurationError(
    `A name in settings of session() must be words of letters, digits and _ with dots between them, as in 'app.user_id', at most ${longestNameBytes} bytes; got ${JSON.stringify(name.slice(0, longestNameBytes))}.`,
  )
}

function checkedValue(name: string, value: unknown): string {
  const isKnown = ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
  const text = isKnown ? String(value) : ''
  if (isKnown && !notText.test(text)) return text
  const got = typeof value === 'string' ? 'a text with a NUL in it' : value === null ? 'null' : typeof value
  throw new ConfigurationError(
    `Setting ${name} of session() must be a text, a number or a boolean, got ${got}. Leave it out, or give it the value that means nobody.`,
  )
}
