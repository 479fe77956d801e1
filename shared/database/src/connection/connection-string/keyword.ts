import { checkOf, longestTimerMs, type Option, type PoolOptions } from '@shared/pool'
import { type ConnectionOptions, connectionOptions, optionGroups } from '../../options.ts'
import type { Said } from './said.ts'

/** One keyword of connection strings: what is done about it. */
export interface Keyword {
  /** `honoured`, `ignored` aloud (a note says so), or `refused`. */
  readonly answer: 'honoured' | 'ignored' | 'refused'
  /** For the guide, and for the note or the problem: what it becomes, or why not and what does it here. */
  readonly does: string
  /** Takes the value. @returns What is wrong, to be read after the string's name; it must not repeat the value. */
  readonly read: (value: string, said: Said, keyword: string) => string | undefined
}

/** Keywords by name, in the order in which they are documented. */
export type KeywordTable = Readonly<Record<string, Keyword>>

/** A keyword that means something here. */
export const honoured = (does: string, read: Keyword['read']): Keyword => ({ answer: 'honoured', does, read })

/** A keyword without effect, whatever its value. */
export const ignored = (does: string): Keyword => ({
  answer: 'ignored',
  does,
  read(_value, said, keyword) {
    said.notes.push(`${keyword} (${does})`)
    return undefined
  },
})

/** A keyword that cannot be done, or must not be. */
export const refused = (does: string): Keyword => ({
  answer: 'refused',
  does,
  read: (_value, _said, keyword) => `must not have ${keyword}: ${does}`,
})

/** A keyword of which only some values, in lower case, mean what is done anyway; any other is refused. */
export const only = (values: readonly string[], does: string): Keyword =>
  honoured(does, (value, _said, keyword) =>
    values.includes(value.toLowerCase()) ? undefined : `must not have this ${keyword}: ${does}`,
  )

type Given = { connection: ConnectionOptions; pool: PoolOptions }

/** A keyword that is an option. @param read Makes the option's value; what the option does not take is refused. */
export function option<G extends keyof Given, N extends keyof Given[G] & string>(
  group: G,
  name: N,
  read: (value: string) => unknown = (value) => value,
  does = `the option \`${group}.${name}\``,
): Keyword {
  const table: Readonly<Record<string, Option>> = optionGroups[group]
  return honoured(does, (value, said, keyword) => {
    const check = checkOf(table[name] as Option)
    const made = read(value)
    if (!check.ok(made)) return `must have ${keyword} as ${check.expected}`
    Object.assign(said[group], { [name]: made })
  })
}

/** A whole number, as it is; NaN for anything else. */
export const number = (value: string): number => (/^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN)

/** Seconds as ms; 0 and less stand for no limit. */
export function secondsOrNever(value: string): number {
  const seconds = /^-?\d{1,12}(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  return seconds <= 0 ? longestTimerMs : Math.min(Math.round(seconds * 1000), longestTimerMs)
}

/** `true`, `false`, and their usual other words. */
export function truth(value: string): boolean | undefined {
  if (/^(?:true|1|on|yes)$/i.test(value)) return true
  return /^(?:false|0|off|no)$/i.test(value) ? false : undefined
}

/** What sslmode may be, `allow` and node-postgres' `no-verify` included, as `sslMode` has it. */
export function readSslMode(value: string, said: Said): string | undefined {
  if (value === 'allow') said.notes.push('sslmode (allow is taken for prefer, which asks for TLS first)')
  const { choices } = connectionOptions.sslMode
  const meant = { allow: 'prefer', 'no-verify': 'require' }[value] ?? value
  const mode = choices.find((choice) => choice === meant)
  if (mode === undefined) return `must have one sslmode: ${choices.join(', ')}`
  said.connection.sslMode = mode
}
