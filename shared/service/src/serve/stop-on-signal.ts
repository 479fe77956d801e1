import { type ShutdownOptions, shutDown } from './shutdown.ts'
import { onShutdownSignal } from './signals.ts'

/** Never less than this, so that an idle service stops in order also with a timeout of 0. */
const shortestTimeoutMs = 250

/**
 * Shuts the service down and ends the process at the first SIGTERM or SIGINT, or when something was thrown that nobody
 * caught: that leaves the process in a state nobody knows.
 *
 * @returns A signal that is aborted when the shutdown begins.
 */
export function stopOnSignal(options: ShutdownOptions): AbortSignal {
  const { logger, timeoutMs } = options
  const stopping = new AbortController()

  function stop(exitCode: number): void {
    if (stopping.signal.aborted) return
    stopping.abort()
    setTimeout(() => end(1, 'stopped by force: time is up'), Math.max(timeoutMs, shortestTimeoutMs))
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
  // Bun prints what nobody caught, message included: that may hold SQL and parameters.
  for (const kind of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(kind, (error: unknown) => {
      logger.fatal({ err: error }, kind)
      stop(1)
    })
  }
  return stopping.signal
}
