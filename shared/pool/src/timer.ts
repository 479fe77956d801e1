import { StatementTimeoutError } from './errors.ts'

/** setTimeout's longest delay: beyond it a timer fires at once. */
export const longestTimerMs = 2_147_483_647

// A loop that is merely busy is late by less.
const lateMs = 50
// A login at a server that is there takes less.
const longestGraceMs = 1_000

/**
 * Calls `passed` when `timeoutMs` are over, also where that is more than one timer can wait; for Infinity never.
 *
 * It is not called before the sockets had their chance: an event loop that was blocked runs its timers first, then reads
 * what arrived meanwhile, and sends what was to be sent. So what is read in the next turns counts as in time, and a timer
 * that was late runs as long again, up to a second.
 *
 * @param now Monotonic clock in ms. Default performance.now.
 * @returns What stops it.
 */
export function startTimer(
  timeoutMs: number,
  passed: () => void,
  now: () => number = () => performance.now(),
): () => void {
  const dueAt = now() + timeoutMs
  let isStopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  // After a timer that was late Bun 1.4.5 reads the sockets between the first turn and the second.
  const end = () => setImmediate(() => setImmediate(() => isStopped || passed()))
  const wait = (leftMs: number): void => {
    const partMs = Math.min(leftMs, longestTimerMs)
    timer = setTimeout(() => {
      const late = now() - dueAt
      if (leftMs > partMs) wait(leftMs - partMs)
      else if (late < lateMs) end()
      else timer = setTimeout(end, Math.min(late, longestGraceMs))
    }, partMs)
  }
  if (timeoutMs !== Number.POSITIVE_INFINITY) wait(timeoutMs)
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
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
