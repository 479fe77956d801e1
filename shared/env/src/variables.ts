import type { z } from 'zod'

/** What is known of one variable: the only source of its rule, its default and its documentation. */
export interface Variable {
  /** Turns the text into the value the code sees. */
  readonly schema: z.ZodType<unknown, string>
  /** One or two sentences for the operator: meaning, unit, consequence. */
  readonly description: string
  /** The text used when the variable is unset. Absent: there is no default. */
  readonly default?: string
  /** What `.env.example` shows for a variable without default. */
  readonly example?: string
  /** Whether the service cannot start without it. */
  readonly required?: boolean
  /** Whether the value is hidden; it can then be given as a file too, named by `<NAME>_FILE`. */
  readonly secret?: boolean
}

/** Variables by name, in the order they are documented. */
export type VariableTable = Readonly<Record<string, Variable>>

/** What reading a table's variables gives: `undefined` where unset and without default. */
export type Values<T extends VariableTable> = {
  readonly [K in keyof T]: T[K] extends { default: string }
    ? z.output<T[K]['schema']>
    : z.output<T[K]['schema']> | undefined
}

/** What a service is called, which database it owns and where it listens by default. */
export interface ServiceDefinition {
  /** `auth`; begins the report and names the service's connections. */
  readonly service: string
  /** `auth_db`; any other database name is refused. */
  readonly database: string
  /** Default of PORT. */
  readonly port: number
  /** Variables that this service alone reads, e.g. the address of another service. */
  readonly variables?: VariableTable
}

/** What reading a service's own variables gives: `undefined` only where optional and unset. */
export type OwnValues<D extends ServiceDefinition> = D extends { variables: infer T extends VariableTable }
  ? {
      readonly [K in keyof T]: T[K] extends { default: string } | { required: true }
        ? z.output<T[K]['schema']>
        : z.output<T[K]['schema']> | undefined
    }
  : unknown

/** Every name a table answers to, `<NAME>_FILE` of its secrets included. */
export function variableNames(table: VariableTable): string[] {
  return Object.entries(table).flatMap(([name, variable]) =>
    variable.secret ? [name, fileVariable(name)] : [name],
  )
}

/** The name that gives a secret as a file. */
export function fileVariable(name: string): string {
  return `${name}_FILE`
}
