import { ConnectionLostError, causes, sqlState } from '../errors.ts'

/** Serialization failure and deadlock: the server rolled back and asks to try again. */
const repeatableStates = new Set(['40001', '40P01'])
const shortestPauseMs = 10
const longestPauseMs = 1_000

/**
 * Runs a transaction again, whole, when the server or a lost connection rolled it back, after a jittered pause that doubles
 * from 10 ms to a second. Never after a COMMIT whose answer did not come.
 *
 * @param retries How many times beyond the first.
 * @param hasMoved Whether it failed because its server takes no writes any more, and another may.
 * @param signal Ends the pauses.
 * @throws What the last attempt threw; the signal's reason.
 */
export async function retryTransaction<T>(
  attempt: () => Promise<T>,
  retries: number,
  hasMoved: (error: unknown) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (tried >= retries || !(await isRepeatable(error, hasMoved))) throw error
      const pause = Math.min(shortestPauseMs * 2 ** tried, longestPauseMs)
      await sleep(pause * (0.5 + Math.random() / 2), signal)
    }
  }
}

/** Whether the whole transaction was rolled back and may be run again: of a lost connection its outcome alone says so. */
async function isRepeatable(
  error: unknown,
  hasMoved: (error: unknown) => Promise<boolean>,
): Promise<boolean> {
  for (const link of causes(error)) if (link instanceof ConnectionLostError) return link.outcome !== 'unknown'
  return repeatableStates.has(sqlState(error) ?? '') || (await hasMoved(error))
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
