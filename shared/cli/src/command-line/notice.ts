/** Writes a line beside a command's output. Not by `console.error`, which Bun shows in red: nothing has failed. */
export function notice(line: string): void {
  process.stderr.write(`${line}\n`)
}
