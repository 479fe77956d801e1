import { createObserver, type Observer } from './observe.ts'
import type { Target } from './read-monitor.ts'
import type { Update } from './wire.ts'

/** Asks services twice a second while anybody wants to know: they look once, and what they see is to be shown within two. */
export interface ServiceWatch {
  /** Calls the listener after each answer, until the function returned is called. */
  subscribe(listener: (update: Update) => void): () => void
  /** Everything that is known now. */
  snapshot(): Update
  stop(): void
}

/** What {@link watchServices} takes. */
export interface WatchOptions {
  readonly targets: readonly Target[]
  /** Pause in ms between two questions to a service. Default 500. */
  readonly intervalMs?: number
  /** How long it goes on after the last listener has gone: a page that is loaded again finds its data. Default 10_000. */
  readonly lingerMs?: number
  readonly timeoutMs?: number
}

/** Creates a watch of services; asks nothing before somebody subscribes. A slow service does not delay the others. */
export function watchServices(options: WatchOptions): ServiceWatch {
  const { targets, intervalMs = 500, lingerMs = 10_000, timeoutMs } = options
  const listeners = new Set<(update: Update) => void>()
  const over = new AbortController()
  const observers = targets.map((target) => createObserver(target, { timeoutMs, signal: over.signal }))
  let round: AbortController | null = null
  let lingering: ReturnType<typeof setTimeout> | undefined

  const follow = async (observer: Observer, { signal }: AbortController): Promise<void> => {
    while (!signal.aborted) {
      const { view, whole } = await observer.poll()
      if (signal.aborted) return
      const update: Update = { at: Date.now(), complete: false, whole, services: [view] }
      for (const listener of listeners) listener(update)
      await pause(intervalMs, signal)
    }
  }
  const start = (): void => {
    clearTimeout(lingering)
    if (round !== null || over.signal.aborted) return
    round = new AbortController()
    for (const observer of observers) {
      observer.reset()
      void follow(observer, round)
    }
  }
  const end = (): void => {
    clearTimeout(lingering)
    round?.abort()
    round = null
  }
  return {
    subscribe(listener) {
      listeners.add(listener)
      start()
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0 || round === null) return
        lingering = setTimeout(end, lingerMs)
      }
    },
    snapshot: () => ({
      at: Date.now(),
      complete: true,
      whole: true,
      services: observers.map((observer) => observer.view()),
    }),
    stop() {
      over.abort()
      end()
      listeners.clear()
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
