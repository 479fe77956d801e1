import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late timers ran, in ms, since `since` (ISO): a busy loop answers every request late. */
export interface EventLoopLag {
  meanMs: number
  p99Ms: number
  maxMs: number
  since: string
}

/** Measures the event loop's lag for as long as it is not stopped. */
export interface EventLoopMonitor {
  /** The lag since the current window began. Reading a window of more than a minute starts a new one. */
  lag(): EventLoopLag
  stop(): void
}

const windowMs = 60_000

/** Starts to measure, with a timer of 20 ms that doesn't keep the process alive. */
export function watchEventLoop(): EventLoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  let since = Date.now()
  histogram.enable()
  return {
    lag() {
      const lag = {
        meanMs: toMs(histogram.mean),
        p99Ms: toMs(histogram.percentile(99)),
        maxMs: toMs(histogram.max),
        since: new Date(since).toISOString(),
      }
      if (Date.now() - since > windowMs) {
        histogram.reset()
        since = Date.now()
      }
      return lag
    },
    stop: () => void histogram.disable(),
  }
}

/** NaN before the first sample. */
function toMs(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.round(nanoseconds / 1e4) / 100 : 0
}
