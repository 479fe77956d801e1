import { parseArgs } from 'node:util'
import { suggest } from '@shared/env'
import type { Arguments, Command, OptionSpecs, OptionValues } from './command.ts'
import { UsageError } from './errors.ts'

const help = { type: 'boolean', short: 'h' } as const

/** Reads a command line, or returns `help` for `--help` and `-h`. @throws {UsageError} */
export function parseArguments<T extends OptionSpecs>(
  command: Command<T>,
  argv: readonly string[],
): Arguments<T> | 'help' {
  const split = argv.indexOf('--')
  const own = split === -1 ? argv : argv.slice(0, split)
  const rest = split === -1 ? [] : argv.slice(split + 1)
  const { tokens } = parseArgs({
    args: [...own],
    options: { help, ...command.options },
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values: Record<string, string | boolean> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    if (token.name === 'help') return 'help'
    const spec = command.options[token.name]
    if (spec === undefined)
      throw new UsageError(`unknown option ${token.rawName}${hint(token.name, command)}`)
    // An option's own name as the value of the one before it means that the value was forgotten.
    const missing = token.value === undefined || (!token.inlineValue && token.value.startsWith('-'))
    if (spec.type === 'string' && missing)
      throw new UsageError(`${token.rawName} needs a value: <${spec.value ?? 'value'}>`)
    if (spec.type === 'boolean' && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value`)
    values[token.name] = token.value ?? true
  }
  if (!command.positionals && positionals.length > 0)
    throw new UsageError(`unexpected argument ${positionals[0]}`)
  if (!command.rest && rest.length > 0) throw new UsageError(`unexpected argument ${rest[0]} after --`)
  return { values: values as OptionValues<T>, positionals, rest }
}

/** `, did you mean …?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: readonly string[], prefix = ''): string {
  const near = suggest(name, known)
  return near === undefined ? '' : `, did you mean ${prefix}${near}?`
}

function hint(name: string, command: Command): string {
  const near = didYouMean(name, Object.keys(command.options), '--')
  return near === '' && command.rest ? ' (options of bun test come after --)' : near
}

/** Reads an option that counts something: a whole number from 0 to 9. @throws {UsageError} */
export function count(option: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d$/.test(text))
    throw new UsageError(`${option} must be a whole number from 0 to 9, not ${text}`)
  return text === undefined ? undefined : Number(text)
}

/** Reads an option that is a positive number. @throws {UsageError} */
export function positiveNumber(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0)
    throw new UsageError(`${option} must be a number above 0, not ${text}`)
  return value
}
