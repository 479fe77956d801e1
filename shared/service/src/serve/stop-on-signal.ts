import { isReloaded } from './reload.ts'
import { type ShutdownOptions, shutDown } from './shutdown.ts'

/** Turns that a stop has at least, so that an idle service stops in order also with a timeout of 0. */
const fewestTurns = 25
const turnMs = 10

/**
 * Shuts the service down and ends the process at the first SIGTERM or SIGINT, or at an uncaught error, which leaves the
 * process in an unknown state; under `bun --hot` only at a signal.
 *
 * @param options.replaced From then on another run of the service does this.
 * @returns A signal that is aborted when the shutdown begins.
 */
export function stopOnSignal(options: ShutdownOptions & { replaced: AbortSignal }): AbortSignal {
  const { logger, timeoutMs, replaced } = options
  const stopping = new AbortController()

  function stop(exitCode: number): void {
    if (stopping.signal.aborted) return
    stopping.abort()
    forceAfter(timeoutMs, () => end(1, 'stopped by force: the shutdown timeout has passed'))
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

  onShutdownSignal(
    {
      begin(signal) {
        logger.info({ signal }, 'stopping')
        stop(0)
      },
      force: (signal, exitCode) => end(exitCode, `stopped at once by a second ${signal}`),
    },
    replaced,
  )
  // A file that is being edited may not compile: Bun shows why, and runs it again when it is saved.
  if (isReloaded()) return stopping.signal
  // Bun would print an uncaught error with its message, which may hold SQL and parameters.
  for (const kind of ['uncaughtException', 'unhandledRejection'] as const) {
    onProcess(replaced, kind, (error: unknown) => {
      logger.fatal({ err: error }, kind)
      stop(1)
    })
  }
  return stopping.signal
}

/**
 * Calls a function once `timeoutMs` have passed, and not before the process has had 25 turns of 10 ms: time in which the machine
 * did not let it run is none that it could have stopped in.
 */
export function forceAfter(timeoutMs: number, force: () => void): void {
  const startedAt = performance.now()
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
    if (turns < fewestTurns || performance.now() - startedAt < timeoutMs) return
    clearInterval(timer)
    force()
  }, turnMs)
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
function onShutdownSignal({ begin, force }: SignalHandlers, replaced: AbortSignal): void {
  let firstAt: number | null = null
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    onProcess(replaced, signal, () => {
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

/** Listens to the process until the run is replaced. */
function onProcess(replaced: AbortSignal, event: string, listener: (...values: unknown[]) => void): void {
  process.on(event, listener)
  replaced.addEventListener('abort', () => process.off(event, listener))
}
