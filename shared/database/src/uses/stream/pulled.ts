import type { ExclusiveWork } from '../../session/exclusive-work.ts'
import type { Bounds } from '../../session/work.ts'
import { Batches } from './batches.ts'

export interface PulledParts {
  readonly inBounds: ExclusiveWork['inBounds']
  /** What is being pulled, by what ends each. */
  readonly open: Set<AbortController>
}

export interface PulledOptions extends Bounds {
  readonly idleTimeoutMs: number
}

/** What somebody takes piece by piece. */
export interface Pulled<T> {
  /** The next piece; null behind the last one. Begins the work. Rejects with what it failed with, behind the pieces before. */
  take(): Promise<T | null>
  /** Ends the work: from now on there is nothing to take. */
  stop(): void
}

const stopped = new Error('The consumer has stopped.')

/** Work on the database that makes pieces as they are taken, in bounds of its own, until it is done or its consumer has enough. */
export function pull<T>(
  { inBounds, open }: PulledParts,
  { idleTimeoutMs, timeoutMs, signal }: PulledOptions,
  work: (batches: Batches<T>, checkoutTimeoutMs: number | undefined) => Promise<void>,
): Pulled<T> {
  const stop = new AbortController()
  const batches = new Batches<T>(idleTimeoutMs)
  let working: Promise<void> | null = null

  async function start(): Promise<void> {
    open.add(stop)
    try {
      const either = signal ? AbortSignal.any([stop.signal, signal]) : stop.signal
      await inBounds({ timeoutMs, signal: either }, (checkoutTimeoutMs) => work(batches, checkoutTimeoutMs))
    } finally {
      open.delete(stop)
      batches.end()
    }
  }

  return {
    async take() {
      if (working === null) {
        working = start()
        // Its failure is for who takes what comes behind the last piece.
        working.catch(() => {})
      }
      const batch = await batches.take()
      if (batch !== null) return batch
      try {
        await working
      } catch (error) {
        if (stop.signal.reason !== stopped) throw error
      }
      return null
    },
    stop: () => stop.abort(stopped),
  }
}
