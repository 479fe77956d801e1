import { didYouMean, parseArguments } from './command-line/arguments.ts'
import { UsageError } from './command-line/errors.ts'
import { renderHelp, renderOverview } from './command-line/help.ts'
import { commandGroups, commands } from './commands/index.ts'

const usageExitCode = 2

/** Runs one command line and returns its exit code; prints what goes wrong instead of throwing it. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  const overview = (): string => renderOverview(commandGroups())
  if (name === undefined) {
    console.error(overview())
    return usageExitCode
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    console.log(overview())
    return 0
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    console.error(`unknown command ${name}${didYouMean(name, Object.keys(commands))}\n\n${overview()}`)
    return usageExitCode
  }
  try {
    const { command } = await entry.load()
    const given = parseArguments(command, rest)
    if (given !== 'help') return await command.run(given)
    console.log(renderHelp(name, command))
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${name}: ${error.message}\nSee bun run ${name} --help.`)
      return usageExitCode
    }
    const { explainError } = await import('./command-line/explain-error.ts')
    const { message, exitCode } = explainError(error)
    console.error(message.startsWith(`${name}: `) ? message : `${name}: ${message}`)
    return exitCode
  }
}
