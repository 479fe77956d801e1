import type { OptionValues } from '../../command-line/command.ts'

/** The options of `bench` and `bench:http`; `faults` has some of them. */
export const benchOptions = {
  json: { type: 'boolean', description: 'Print one JSON document.' },
  only: { type: 'string', value: 'scenario', description: 'Run one scenario; a wrong name lists them.' },
  quick: { type: 'boolean', description: 'Few and short rounds: shows that it works, not how fast.' },
  full: { type: 'boolean', description: 'More and longer rounds, and what takes minutes.' },
  save: {
    type: 'boolean',
    description: 'Write the report into the README.md beside the program, and the tables made from it.',
  },
} as const

/** The same options for the program itself. */
export function benchArguments(values: Partial<OptionValues<typeof benchOptions>>): string[] {
  const { only, ...flags } = values
  const given = Object.entries(flags).flatMap(([name, isGiven]) => (isGiven ? [`--${name}`] : []))
  return only === undefined ? given : [...given, '--only', only]
}
