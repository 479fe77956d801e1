import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls the function until it neither throws nor returns false, and returns what it returned.
 *
 * At the deadline (`timeoutMs`, default 60000: a busy machine is no failure) it rejects with the last error. Polls every `intervalMs` (default 10).
 */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  options: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 60_000, intervalMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let last: unknown
    try {
      const result = await fn()
      if (result !== false) return result
      last = new Error('it returned false')
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      const reason = last instanceof Error ? last.message : String(last)
      throw new Error(`not so within ${timeoutMs} ms: ${reason}`, { cause: last })
    }
    await sleep(intervalMs)
  }
}
