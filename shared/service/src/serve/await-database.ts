import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceDatabase } from '../context/context.ts'
import { permanentRefusal } from './start-failure.ts'

/** How `awaitDatabase` paces itself. */
export interface AwaitDatabaseOptions {
  database: Pick<ServiceDatabase, 'connect'>
  /** Ends the waiting without an error. */
  signal: AbortSignal
  /** Called after each attempt that failed. */
  onRetry?: (error: unknown, delayMs: number) => void
  /** First pause in ms; it doubles up to `maxDelayMs`. Default 250. */
  minDelayMs?: number
  /** Longest pause in ms before jitter. Default 5000. */
  maxDelayMs?: number
}

/**
 * Connects to the database once, however long that takes; the pauses between attempts are jittered by half so that replicas
 * spread out.
 *
 * @returns Whether the database answered: false once `signal` is aborted.
 * @throws {StartFailure} The server refused permanently: wrong password, no such database, no privilege.
 */
export async function awaitDatabase(options: AwaitDatabaseOptions): Promise<boolean> {
  const { database, signal, onRetry, minDelayMs = 250, maxDelayMs = 5000 } = options
  for (let pauseMs = minDelayMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, maxDelayMs)) {
    try {
      await database.connect({ signal })
      return true
    } catch (error) {
      if (signal.aborted) return false
      const refusal = permanentRefusal(error)
      if (refusal !== null) throw refusal
      const delayMs = Math.round(pauseMs * (0.5 + Math.random()))
      onRetry?.(error, delayMs)
      await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    }
  }
  return false
}
