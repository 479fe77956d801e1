import {
  boolean,
  type Check,
  ConfigurationError,
  choice,
  integer,
  shownValue,
  time,
  wrongOption,
} from '@shared/pool'

const limit: Check = {
  expected: 'a time in ms above 0, or Infinity',
  ok: (value) => typeof value === 'number' && value > 0,
}
const grace = time(0, true)
const signal: Check = { expected: 'an AbortSignal', ok: (value) => value instanceof AbortSignal }

const token: Check = {
  expected: 'what writtenUntil() has returned',
  ok: (value) => typeof value === 'string',
}

const bounds = { timeoutMs: limit, signal }
const transaction = {
  ...bounds,
  retries: integer(0, 1_000_000),
  isolationLevel: choice('read uncommitted', 'read committed', 'repeatable read', 'serializable'),
  accessMode: choice('read only', 'read write'),
  deferrable: boolean,
}
const aFunction: Check = { expected: 'a function', ok: (value) => typeof value === 'function' }
const any: Check = { expected: 'anything', ok: () => true }
const texts: Check = {
  expected: 'an array of texts that is not empty',
  ok: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== ''),
}
const character: Check = {
  expected: 'one character',
  ok: (value) => typeof value === 'string' && value.length === 1,
}
const text: Check = { expected: 'a text', ok: (value) => typeof value === 'string' && !value.includes('\0') }
const copy = {
  ...bounds,
  columns: texts,
  format: choice('text', 'csv', 'binary'),
  header: boolean,
  delimiter: character,
  null: text,
  idleTimeoutMs: limit,
}
const argumentChecks = {
  connect: bounds,
  ping: bounds,
  use: bounds,
  within: { ...bounds, owner: choice('within', 'request'), writtenUntil: token },
  transaction,
  copyIn: copy,
  copyOut: copy,
  stream: { ...bounds, batchSize: integer(1, 100_000), idleTimeoutMs: limit, reads: boolean },
  listen: {
    timeoutMs: limit,
    signal,
    maxBacklog: integer(1, 10_000_000),
    onReconnected: aFunction,
    onOverflow: aFunction,
    onError: aFunction,
  },
  session: { ...transaction, settings: any },
  close: { timeoutMs: grace },
  migrate: { lockTimeoutMs: grace },
} satisfies Record<string, Record<string, Check>>

/**
 * Checks the options of a call.
 *
 * @throws {ConfigurationError} naming the call and the option, what was expected and what was given; an unknown name is one too.
 */
export function checkArguments(call: keyof typeof argumentChecks, given: object): void {
  if (typeof given !== 'object' || given === null)
    throw new ConfigurationError(`The options of ${call}() must be an object, got ${shownValue(given)}.`)
  const checks: Record<string, Check> = argumentChecks[call]
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (!check) {
      const known = Object.keys(checks).join(', ')
      throw new ConfigurationError(`Unknown option ${name} of ${call}(). Known are ${known}.`)
    }
    if (value !== undefined && !check.ok(value)) throw wrongOption(`${name} of ${call}()`, check, value)
  }
}
