// On globalThis, because a reload may run the modules of this package again.
const runKey = Symbol.for('@shared/service: run')

/**
 * Begins a run of the service, and ends the one before it in this process: `bun --hot` runs the entry file again when a file was
 * saved, while the server and the requests under way stay.
 *
 * @returns A signal that is aborted when another run begins.
 */
export function beginRun(): AbortSignal {
  const globals = globalThis as { [runKey]?: AbortController }
  globals[runKey]?.abort()
  globals[runKey] = new AbortController()
  return globals[runKey].signal
}

/** Whether Bun runs the service's files again when they are saved. */
export function isReloaded(): boolean {
  return process.execArgv.includes('--hot')
}
