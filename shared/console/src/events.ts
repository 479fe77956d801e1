import type { MonitorEvent } from './monitor-report.ts'

/** Events of one kind that came close together. */
export interface EventBurst {
  readonly type: string
  readonly code: string | null
  /** Of the newest, epoch ms. */
  readonly at: number
  readonly count: number
}

/** A longer pause than this between two of a kind parts them. */
const burstMs = 10_000

/** Gathers events that say the same again and again, so that they do not hide the others; the newest first. */
export function gatherEvents(events: readonly MonitorEvent[]): EventBurst[] {
  const bursts: { type: string; code: string | null; at: number; oldest: number; count: number }[] = []
  for (const { type, code, at: iso } of events.toReversed()) {
    const at = Date.parse(iso)
    const burst = bursts.findLast((found) => found.type === type && found.code === code)
    if (burst !== undefined && burst.oldest - at <= burstMs) {
      burst.oldest = at
      burst.count += 1
    } else {
      bursts.push({ type, code, at, oldest: at, count: 1 })
    }
  }
  return bursts.map(({ type, code, at, count }) => ({ type, code, at, count }))
}
