/**
 * Makes a clock in epoch ms that only grows: it follows the wall clock forwards, also past a suspended machine, and runs
 * on evenly where that is put back.
 */
export function createMonitorClock(): () => number {
  let measuredAt = performance.now()
  let latest = Date.now()
  return () => {
    const elapsedMs = performance.now() - measuredAt
    measuredAt += elapsedMs
    latest = Math.max(Date.now(), latest + elapsedMs)
    return Math.round(latest)
  }
}
