import { ConfigurationError, shownValue } from '@shared/pool'
import type { drizzle } from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'

/** Whether the installed drizzle-orm is one from before 1.0. */
export const isBefore1 = npmVersion.startsWith('0.')

/**
 * What `drizzle()` of the installed drizzle-orm takes beside client and model: with 0.45 `casing`, `logger` and `cache`; with 1.0
 * `logger`, `cache`, `jit`, `codecs` and `paramsInErrors`.
 */
export interface DrizzleOptions
  extends Omit<NonNullable<Parameters<typeof drizzle.mock>[0]>, 'schema' | 'relations'> {}

/** Says what a value must be where it is not; null where it is. */
type Check = (value: unknown) => string | null

const oneOf =
  (...choices: readonly unknown[]): Check =>
  (value) =>
    choices.includes(value) ? null : `one of ${choices.map(shownValue).join(', ')}`

const having =
  (what: string, ...methods: readonly string[]): Check =>
  (value) => {
    const has = (method: string) => typeof (value as Record<string, unknown>)[method] === 'function'
    return typeof value === 'object' && value !== null && methods.every(has) ? null : what
  }

const isLogger = having('true, false or a logger with logQuery()', 'logQuery')
const logger: Check = (value) => (typeof value === 'boolean' ? null : isLogger(value))
const cache = having("a Cache of drizzle-orm/cache/core's", 'strategy', 'get', 'put', 'onMutate')

const checks: Readonly<Record<string, Check>> = isBefore1
  ? { casing: oneOf('snake_case', 'camelCase'), logger, cache }
  : { logger, cache, jit: oneOf(true, false), codecs: having('codecs'), paramsInErrors: oneOf(true, false) }

/**
 * Checks what Drizzle would take without a word.
 *
 * @returns What was given, without what is undefined.
 * @throws {ConfigurationError} naming the option; also for one that the installed drizzle-orm has not.
 */
export function resolveDrizzleOptions(given: DrizzleOptions = {}): DrizzleOptions {
  if (typeof given !== 'object' || given === null)
    throw new ConfigurationError(`Option drizzle must be an object of options, got ${shownValue(given)}.`)
  const options = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of options) {
    const check = checks[name]
    if (!check) throw unknownOption(name)
    const expected = check(value)
    if (expected !== null)
      throw new ConfigurationError(`Option drizzle.${name} must be ${expected}, got ${shownValue(value)}.`)
  }
  return Object.fromEntries(options)
}

function unknownOption(name: string): ConfigurationError {
  if (name === 'schema' || name === 'relations')
    return new ConfigurationError(`Option drizzle.${name} belongs beside drizzle: give it as ${name}.`)
  const known = `Known to the installed drizzle-orm ${npmVersion} are ${Object.keys(checks).join(', ')}.`
  const advice =
    name === 'casing' ? ' There tables name their columns: snakeCase.table, camelCase.table.' : ''
  return new ConfigurationError(`Unknown option drizzle.${name}. ${known}${advice}`)
}
