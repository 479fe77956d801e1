import { runAgainVariable } from './run-program.ts'

/** When a running command has to end. */
export interface StopRequest extends Disposable {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, or when the package script's process has ended. */
  readonly signal: AbortSignal
  /** Resolves with an exit code at the second signal. */
  readonly forced: Promise<number>
  /** That exit code, null until then. */
  readonly forcedExitCode: number | null
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** One Ctrl-C arrives up to three times: from the terminal, and forwarded by `npx` and `bun run`. */
const echoMs = 500
const parentPollMs = 250

/** Listens for signals to stop, until disposed. */
export function listenForStop(): StopRequest {
  const stopping = new AbortController()
  const forced = Promise.withResolvers<number>()
  let firstAt = 0
  let forcedExitCode: number | null = null

  const listeners = Object.entries(signals).map(([name, exitCode]) => {
    const listener = (): void => {
      if (!stopping.signal.aborted) {
        firstAt = performance.now()
        stopping.abort(name)
      } else if (performance.now() - firstAt >= echoMs) {
        forcedExitCode = exitCode
        forced.resolve(exitCode)
      }
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  // A closed terminal fails every write; that must not interrupt the stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

  // Signals are no longer forwarded when `bun run`, which started this process, was killed.
  const parent = process.ppid
  const started = process.env.npm_lifecycle_event ?? process.env[runAgainVariable]
  const timer = setInterval(() => {
    if (started === undefined || process.ppid === parent || stopping.signal.aborted) return
    stopping.abort('the process that started this one has ended')
  }, parentPollMs)
  timer.unref()

  return {
    signal: stopping.signal,
    forced: forced.promise,
    get forcedExitCode() {
      return forcedExitCode
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const remove of listeners) remove()
    },
  }
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
