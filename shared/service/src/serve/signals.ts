/** What `onShutdownSignal` calls. */
export interface SignalHandlers {
  /** The first SIGTERM or SIGINT. */
  begin: (signal: NodeJS.Signals) => void
  /** A later one, when its sender has lost patience; `exitCode` is 128 + the signal's number. */
  force: (signal: NodeJS.Signals, exitCode: number) => void
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const

/** One Ctrl-C arrives twice, from the terminal's process group and forwarded by `bun run`. */
const echoMs = 500

/** Listens to SIGTERM and SIGINT; signals within 500 ms of the first one are taken for its echo. */
export function onShutdownSignal({ begin, force }: SignalHandlers): void {
  let firstAt: number | null = null
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (firstAt === null) {
        firstAt = now
        begin(signal)
      } else if (now - firstAt >= echoMs) {
        force(signal, exitCodes[signal])
      }
    })
  }
}
