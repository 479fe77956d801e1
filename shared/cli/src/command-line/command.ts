/** One option: `boolean` stands alone, `string` takes a value. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** What the value is called in the help. */
  readonly value?: string
  readonly description: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** What was given for each option; undefined where it was not. */
export type OptionValues<T extends OptionSpecs> = {
  readonly [K in keyof T]: (T[K]['type'] extends 'boolean' ? boolean : string) | undefined
}

/** A parsed command line. */
export interface Arguments<T extends OptionSpecs> {
  readonly values: OptionValues<T>
  readonly positionals: readonly string[]
  /** What came after `--`. */
  readonly rest: readonly string[]
}

/** A command of the CLI. */
export interface Command<T extends OptionSpecs = OptionSpecs> {
  /** What the command line looks like after the name: `[service…]`. */
  readonly synopsis: string
  /** Sentences for `--help`, wrapped by hand. */
  readonly description: string
  readonly options: T
  /** Whether it takes arguments that are no options. */
  readonly positionals: boolean
  /** Whether it takes anything after `--`. */
  readonly rest?: boolean
  /** Returns the exit code. */
  run(given: Arguments<T>): Promise<number>
}

/** Types a command by its options. */
export const defineCommand = <const T extends OptionSpecs>(command: Command<T>): Command<T> => command
