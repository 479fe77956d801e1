import { inspect } from 'node:util'
import { ConfigurationError } from './errors.ts'
import { longestTimerMs } from './timer.ts'

/** What a value must be, in words and as a test. */
export type Check = { expected: string; ok: (value: unknown) => boolean }

export const integer = (min: number, max: number): Check => ({
  expected: `a whole number from ${min} to ${max}`,
  ok: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
})
export const timer = (min: number): Check => ({
  expected: `a time in ms from ${min} to ${longestTimerMs}`,
  ok: (value) => typeof value === 'number' && value >= min && value <= longestTimerMs,
})
export const duration: Check = {
  expected: 'a time in ms above 0, or Infinity',
  ok: (value) => typeof value === 'number' && value > 0,
}
export const boolean: Check = { expected: 'true or false', ok: (value) => typeof value === 'boolean' }
export const text: Check = {
  expected: 'a text',
  ok: (value) => value === undefined || typeof value === 'string',
}
export const oneOf = (...values: readonly string[]): Check => ({
  expected: `one of ${values.join(', ')}`,
  ok: (value) => values.includes(value as string),
})

/** A value as an error shows it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value)
}

export interface OptionGroup<T> {
  /** What the options stand under: `pool.poolSize`. */
  group: string
  defaults: T
  checks: Record<keyof T, Check>
}

/** Every group there is, for the error about a name that stands in the wrong one. */
export type OptionGroups = readonly { group: string; defaults: object }[]

/**
 * Fills in the defaults and checks each value.
 *
 * @param groups Where an unknown name may belong. Default: here.
 * @throws {ConfigurationError} naming the option, what was expected and what was given; an unknown name is one too.
 */
export function resolveOptions<T extends object>(
  own: OptionGroup<T>,
  given: Partial<T>,
  groups: OptionGroups = [own],
): T {
  const { group, defaults, checks } = own
  const resolved = { ...defaults }
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    const check: Check | undefined = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) throw unknownOption(`${group}.${key}`, key, Object.keys(defaults), groups)
    const value = given[key]
    if (value === undefined) continue
    if (!check.ok(value)) {
      throw new ConfigurationError(
        `Option ${group}.${key} must be ${check.expected}, got ${shown(value)} (${typeof value}).`,
      )
    }
    resolved[key] = value as T[keyof T & string]
  }
  return Object.freeze(resolved)
}

/** @param path The name with that of its group. */
export function unknownOption(
  path: string,
  name: string,
  known: readonly string[],
  groups: OptionGroups,
): ConfigurationError {
  for (const { group, defaults } of groups) {
    const home = Object.keys(defaults).find((option) => option.toLowerCase() === name.toLowerCase())
    if (home) return new ConfigurationError(`Unknown option ${path}. Did you mean ${group}.${home}?`)
  }
  return new ConfigurationError(`Unknown option ${path}. Known are ${known.join(', ')}.`)
}
