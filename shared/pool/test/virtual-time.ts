import type { Clock } from './fake-pool.ts'

interface Timer {
  readonly due: number
  readonly fire: () => void
}

/** Time that passes only when the test says so, and every timer that waits for it. */
export interface VirtualTime extends Disposable {
  /** Timers of the pool's that have neither fired nor been cleared. */
  readonly active: number
  /** Calls back once after `ms`; not counted among the pool's timers. */
  after(ms: number, fire: () => void): void
  /** Lets `ms` pass, timer by timer, in order; `between` runs first, after each and at the end. */
  pass(ms: number, between: () => Promise<void>): Promise<void>
}

/** Takes over the global timers until it is disposed of, and moves `clock` as its time passes. */
export function createVirtualTime(clock: Clock): VirtualTime {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
  const timers = new Map<unknown, Timer>()
  const own = new Set<Timer>()
  const next = (until: number): (() => void) | null => {
    let first: Timer | null = null
    let handle: unknown = null
    for (const [key, timer] of timers) {
      if (timer.due > until || (first && timer.due >= first.due)) continue
      first = timer
      handle = key
    }
    for (const timer of own) if (timer.due <= until && (!first || timer.due < first.due)) first = timer
    if (!first) return null
    if (!own.delete(first)) timers.delete(handle)
    clock.now = Math.max(clock.now, first.due)
    return first.fire
  }
  globalThis.setTimeout = ((fire: () => void, ms = 0) => {
    const handle = { ref: () => handle, unref: () => handle }
    // As the engine's: a delay below 1 ms is 1 ms.
    timers.set(handle, { due: clock.now + Math.max(1, ms), fire })
    return handle
  }) as unknown as typeof setTimeout
  globalThis.clearTimeout = ((handle: unknown) => timers.delete(handle)) as typeof clearTimeout
  return {
    get active() {
      return timers.size
    },
    after(ms, fire) {
      own.add({ due: clock.now + ms, fire })
    },
    async pass(ms, between) {
      const until = clock.now + ms
      // What was begun just now may set timers that fire within this time.
      await between()
      for (let fire = next(until); fire; fire = next(until)) {
        fire()
        await between()
      }
      clock.now = until
      await between()
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, real)
    },
  }
}
