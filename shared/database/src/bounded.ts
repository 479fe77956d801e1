import { StatementTimeoutError } from './errors.ts'
import { startTimer } from './timer.ts'

/**
 * Waits for a promise, but no longer than `timeoutMs` and only until `signal` fires. The work itself goes on: the
 * caller must end it.
 *
 * @throws {StatementTimeoutError} after `timeoutMs`, once what had arrived by then was read; the signal's reason when it
 *   fires.
 */
export function bounded<T>(promise: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = () => {
      stopTimer()
      signal?.removeEventListener('abort', abort)
    }
    const abort = () => {
      done()
      reject(signal?.reason)
    }
    const stopTimer = startTimer(timeoutMs, () => {
      done()
      reject(new StatementTimeoutError(timeoutMs))
    })
    promise.then(resolve, reject).finally(done)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
