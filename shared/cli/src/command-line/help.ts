import type { Command, OptionSpec } from './command.ts'

/** The help of one command. */
export function renderHelp(name: string, command: Command): string {
  const options = {
    ...command.options,
    help: { type: 'boolean', short: 'h', description: 'Show this.' } as const,
  }
  const rows = Object.entries(options).map(
    ([option, spec]) => [flags(option, spec), spec.description] as const,
  )
  return [
    `Usage: bun run ${name} ${command.synopsis}`.trimEnd(),
    '',
    command.description.trim(),
    '',
    'Options:',
    ...align(rows),
  ].join('\n')
}

/** The commands of a task, by its title. */
export type CommandGroups = Readonly<Record<string, readonly (readonly [name: string, summary: string])[]>>

/** The list of commands, by task. */
export function renderOverview(groups: CommandGroups): string {
  const width = Math.max(
    ...Object.values(groups).flatMap((commands) => commands.map(([name]) => name.length)),
  )
  return [
    'Usage: bun run <command> [arguments]',
    '',
    ...Object.entries(groups).flatMap(([title, commands]) => [`${title}:`, ...align(commands, width), '']),
    'bun run <command> --help shows its options.',
  ].join('\n')
}

function flags(name: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? '' : `-${spec.short}, `
  return `${short}--${name}${spec.type === 'string' ? ` <${spec.value ?? 'value'}>` : ''}`
}

function align(
  rows: readonly (readonly [string, string])[],
  width = Math.max(...rows.map(([left]) => left.length)),
): string[] {
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
