/** Lines that are typed on the terminal. */
export interface Keys {
  /** Reads from now on. Before, nothing is read: a process in the background would be stopped for it. Idempotent. */
  start(): void
  stop(): void
}

/** Calls back for each line of standard input, without blanks; Ctrl-C stays what it is. */
export function readKeys(onKey: (key: string) => void): Keys {
  let rest = ''
  let isReading = false
  const read = (chunk: Buffer): void => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onKey(line.trim())
  }
  return {
    start() {
      if (isReading) return
      isReading = true
      process.stdin.on('data', read)
    },
    stop() {
      if (!isReading) return
      process.stdin.off('data', read)
      process.stdin.pause()
    },
  }
}
