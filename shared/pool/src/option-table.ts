import { ConfigurationError } from './errors.ts'
import { longestTimerMs } from './timer.ts'

/** One option: what it takes, its default, and what is written about it. */
export type Option = (IntegerOption | TimeOption | BooleanOption | ChoiceOption | TextOption) & {
  /** The environment variable that sets it. */
  readonly variable: string
  /**
   * What it does, for readers of the code, a README or an environment file: so it names no unit, and other options between
   * backticks. It names every choice of a choice.
   */
  readonly sentence: string
}

interface IntegerOption {
  readonly kind: 'integer'
  readonly min: number
  readonly max: number
  readonly default: number
}

/** A time: ms in the code, seconds in its variable. */
interface TimeOption {
  readonly kind: 'time'
  readonly min: number
  /** Whether it can be switched off: by Infinity in the code, by -1 in its variable. It may then be longer than a timer too. */
  readonly never?: true
  readonly default: number
}

interface BooleanOption {
  readonly kind: 'boolean'
  readonly default: boolean
}

interface ChoiceOption {
  readonly kind: 'choice'
  readonly choices: readonly [string, ...string[]]
  readonly default: string
}

interface TextOption {
  readonly kind: 'text'
  readonly maxBytes: number
  readonly default: undefined
  /** What holds while it is not set. */
  readonly unset: string
  readonly example?: string
}

/** Options by name, in the order in which they are documented. */
export type OptionTable = Readonly<Record<string, Option>>

/** Tables by the name of the group that a caller writes: `pool`, `connection`. */
export type OptionGroups = Readonly<Record<string, OptionTable>>

/** The type of a table's values. An editor shows the doc comments of the table's keys on them. */
export type OptionsOf<T extends OptionTable> = { -readonly [K in keyof T]: ValueOf<T[K]> }

type ValueOf<O extends Option> = O extends { kind: 'choice'; choices: readonly (infer Choice)[] }
  ? Choice
  : O extends { kind: 'boolean' }
    ? boolean
    : O extends { kind: 'text' }
      ? string | undefined
      : number

/** What a value must be, in words and as a test. */
export interface Check {
  readonly expected: string
  readonly ok: (value: unknown) => boolean
}

/** A whole number within bounds, which belong to it. */
export const integer = (min: number, max: number): Check => ({
  expected: `a whole number from ${min} to ${max}`,
  ok: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
})

/** A time in ms. @param never Whether Infinity is a value; then there is no longest time. */
export const time = (min: number, never = false): Check => ({
  expected: `a time in ms from ${min}${never ? ', or Infinity' : ` to ${longestTimerMs}`}`,
  ok: (value) => typeof value === 'number' && value >= min && (never || value <= longestTimerMs),
})

/** `true` or `false`, and nothing that counts as such. */
export const boolean: Check = { expected: 'true or false', ok: (value) => typeof value === 'boolean' }

/** One of some words. */
export const choice = (...choices: readonly string[]): Check => ({
  expected: `one of ${choices.join(', ')}`,
  ok: (value) => choices.includes(value as string),
})

const text = (maxBytes: number): Check => ({
  expected: `a text of at most ${maxBytes} bytes`,
  ok: (value) => typeof value === 'string' && new TextEncoder().encode(value).length <= maxBytes,
})

/** What an option takes. */
export function checkOf(option: Option): Check {
  switch (option.kind) {
    case 'integer':
      return integer(option.min, option.max)
    case 'time':
      return time(option.min, option.never)
    case 'boolean':
      return boolean
    case 'choice':
      return choice(...option.choices)
    case 'text':
      return text(option.maxBytes)
  }
}

/**
 * Checks the options of a group and fills in the defaults of its table; `undefined` counts as not given.
 *
 * @param groups Every table that a caller may have meant: an option that is in another one is named.
 * @returns A frozen object with every option of the group.
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolveOptions<G extends OptionGroups, N extends keyof G & string>(
  groups: G,
  group: N,
  given: Partial<OptionsOf<G[N]>> = {},
): OptionsOf<G[N]> {
  const table: OptionTable = groups[group] ?? {}
  const resolved: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(table)) resolved[name] = option.default
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(table, name) ? table[name] : undefined
    if (!option) throw unknownOption(groups, `${group}.${name}`, name, Object.keys(table))
    if (value === undefined) continue
    const check = checkOf(option)
    if (!check.ok(value)) throw wrongOption(`${group}.${name}`, check, value)
    resolved[name] = value
  }
  // Made from the table, name by name, which the types cannot follow.
  return Object.freeze(resolved) as OptionsOf<G[N]>
}

/**
 * Checks the names that stand beside the groups.
 *
 * @throws {ConfigurationError} for an unknown one, with the group where an option of that name belongs.
 */
export function refuseUnknownNames(groups: OptionGroups, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given))
    if (!known.includes(name)) throw unknownOption(groups, name, name, known)
}

/** @param path The name with that of its group. */
function unknownOption(
  groups: OptionGroups,
  path: string,
  name: string,
  known: readonly string[],
): ConfigurationError {
  for (const [group, table] of Object.entries(groups)) {
    const meant = Object.keys(table).find((option) => option.toLowerCase() === name.toLowerCase())
    if (meant) return new ConfigurationError(`Unknown option ${path}. Did you mean ${group}.${meant}?`)
  }
  return new ConfigurationError(`Unknown option ${path}. Known are ${known.join(', ')}.`)
}

/** What to throw for a value that a check refuses. @param option `pool.poolSize`, or `timeoutMs of connect()`. */
export function wrongOption(option: string, { expected }: Check, value: unknown): ConfigurationError {
  return new ConfigurationError(
    `Option ${option} must be ${expected}, got ${shownValue(value)} (${typeof value}).`,
  )
}

/** A wrong value in a message: a text between quotes; of an object only its class. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if ((typeof value === 'object' && value !== null) || typeof value === 'function')
    return value.constructor?.name ?? 'Object'
  return String(value)
}
