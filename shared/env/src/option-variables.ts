import { type Option, type OptionTable, optionGroups } from '@shared/database'
import type { z } from 'zod'
import { boolean, integer, maxSeconds, oneOf, seconds, text } from './fields.ts'
import type { Variable, VariableTable } from './variables.ts'

/** The variables of a table of options, by their names. */
export type OptionVariables<T extends OptionTable> = {
  readonly [K in keyof T as T[K]['variable']]: Omit<Variable, 'schema' | 'default'> & {
    readonly schema: z.ZodType<TextValue<T[K]>, string>
  } & (T[K] extends { default: undefined } ? unknown : { readonly default: string })
}

/** What a variable's text is read as: times stay seconds. */
type TextValue<O extends Option> = O extends { kind: 'choice'; choices: readonly (infer Choice)[] }
  ? Choice
  : O extends { kind: 'boolean' }
    ? boolean
    : O extends { kind: 'text' }
      ? string
      : number

/** Makes a table of variables from a table of options, in its order: each reads, defaults and says what the option does. */
export function optionVariables<T extends OptionTable>(table: T): OptionVariables<T> {
  const variables: VariableTable = Object.fromEntries(
    Object.values(table).map((option) => [option.variable, variableOf(option)]),
  )
  // Made from the table, option by option, which the types cannot follow.
  return variables as OptionVariables<T>
}

function variableOf(option: Option): Variable {
  return {
    schema: schemaOf(option),
    default: option.default === undefined ? undefined : defaultText(option),
    example: option.kind === 'text' ? option.example : undefined,
    description: `${withVariables(option.sentence)}${option.kind === 'time' ? ` ${unitOf(option)}` : ''}`,
  }
}

function schemaOf(option: Option): Variable['schema'] {
  switch (option.kind) {
    case 'integer':
      return integer(option)
    case 'time':
      return seconds({ min: option.min / 1000, max: maxSeconds, never: option.never })
    case 'boolean':
      return boolean()
    case 'choice':
      return oneOf(option.choices)
    case 'text':
      return text(option.maxBytes).refine((value) => Buffer.byteLength(value) <= option.maxBytes, {
        error: `must be at most ${option.maxBytes} bytes`,
      })
  }
}

const defaultText = (option: Option): string =>
  String(option.kind === 'time' ? secondsOf(option.default) : option.default)

/** What the variable of an option reads, by the option's own value: times are seconds there, and Infinity is -1. */
export const variableValue = (option: Option, value: unknown): unknown =>
  option.kind === 'time' ? secondsOf(value as number) : value

const secondsOf = (ms: number): number => (ms === Number.POSITIVE_INFINITY ? -1 : ms / 1000)

const unitOf = ({ never }: { readonly never?: true }): string =>
  never ? 'In seconds; -1: never.' : 'In seconds.'

const variableByName: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(optionGroups).flatMap((table) =>
    Object.entries(table).map(([name, { variable }]) => [name, variable]),
  ),
)

/** A sentence with the variables of the options that it names between backticks. */
export function withVariables(sentence: string): string {
  return sentence.replace(/`(\w+)`/g, (whole, name: string) => variableByName[name] ?? whole)
}
