import { type ShutdownOptions, shutDown } from './shutdown.ts'

/** Never less than this, so that an idle service stops in order also with a timeout of 0. */
const shortestTimeoutMs = 250

/**
 * Shuts the service down and ends the process at the first SIGTERM or SIGINT, or at an uncaught error, which leaves the
 * process in an unknown state.
 *
 * @returns A signal that is aborted when the shutdown begins.
 */
export function stopOnSignal(options: ShutdownOptions): AbortSignal {
  const { logger, timeoutMs } = options
  const stopping = new AbortController()

  function stop(exitCode: number): void {
    if (stopping.signal.aborted) return
    stopping.abort()
    setTimeout(
      () => end(1, 'stopped by force: the shutdown timeout has passed'),
      Math.max(timeoutMs, shortestTimeoutMs),
    )
    shutDown(options).then(
      (finished) => end(finished ? exitCode : 1, 'stopped'),
      (error) => {
        logger.error({ err: error }, 'the shutdown failed')
        end(1, 'stopped')
      },
    )
  }

  function end(exitCode: number, message: string): never {
    logger.info({ exitCode }, message)
    process.exit(exitCode)
  }

  onShutdownSignal({
    begin(signal) {
      logger.info({ signal }, 'stopping')
      stop(0)
    },
    force: (signal, exitCode) => end(exitCode, `stopped at once by a second ${signal}`),
  })
  // Bun would print an uncaught error with its message, which may hold SQL and parameters.
  for (const kind of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(kind, (error: unknown) => {
      logger.fatal({ err: error }, kind)
      stop(1)
    })
  }
  return stopping.signal
}

/** What `onShutdownSignal` calls. */
interface SignalHandlers {
  /** The first SIGTERM or SIGINT. */
  begin: (signal: NodeJS.Signals) => void
  /** A later one, from a sender that does not want to wait; `exitCode` is 128 + the signal's number. */
  force: (signal: NodeJS.Signals, exitCode: number) => void
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const

/** One Ctrl-C arrives twice, from the terminal's process group and forwarded by `bun run`. */
const echoMs = 500

/** Listens to SIGTERM and SIGINT; signals within 500 ms of the first one are taken for its echo. */
function onShutdownSignal({ begin, force }: SignalHandlers): void {
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
