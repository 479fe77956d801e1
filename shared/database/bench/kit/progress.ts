/** A line on standard error that says what runs now; on a terminal it replaces itself. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr) {
  const live = stream.isTTY === true
  return {
    show: (line: string): void => {
      stream.write(live ? `\r\u001b[K${line}` : `${line}\n`)
    },
    end: (): void => {
      if (live) stream.write('\r\u001b[K')
    },
  }
}
