import type { MonitorEvent } from './monitor-report.ts'

/** Events of one kind that came close together. */
export interface EventBurst {
  readonly type: string
  readonly code: string | null
  /** Of the newest; of a long one the beginning, as the detailed report has all of it. */
  readonly detail: string | null
  /** Of the newest, epoch ms. */
  readonly at: number
  readonly count: number
}

/** A longer pause than this between two of a kind parts them. */
const burstMs = 10_000

/** Of a statement enough to know it again: some lines of a terminal. */
const shownDetail = 300

/** What happened, where the others say how it went on. */
const milestones: ReadonlySet<string> = new Set(['degraded', 'blocked', 'recovered', 'failed-over'])

/** The newest bursts, so many at most, the newest first; what happened is among them, also when much has followed from it. */
export function latestEvents(events: readonly MonitorEvent[], most: number): EventBurst[] {
  const bursts = gatherEvents(events)
  const kept = bursts.filter(({ type }) => milestones.has(type)).slice(0, Math.ceil(most / 2))
  const others = bursts.filter((burst) => !kept.includes(burst)).slice(0, most - kept.length)
  return bursts.filter((burst) => kept.includes(burst) || others.includes(burst))
}

/** Gathers events that say the same again and again, so that they do not hide the others; the newest first. */
export function gatherEvents(events: readonly MonitorEvent[]): EventBurst[] {
  const bursts: (EventBurst & { oldest: number; count: number })[] = []
  for (const { type, code, detail, at: iso } of events.toReversed()) {
    const at = Date.parse(iso)
    const burst = bursts.findLast((found) => found.type === type && found.code === code)
    if (burst !== undefined && burst.oldest - at <= burstMs) {
      burst.oldest = at
      burst.count += 1
    } else {
      bursts.push({ type, code, detail, at, oldest: at, count: 1 })
    }
  }
  return bursts.map(({ oldest: _, ...burst }) => ({ ...burst, detail: beginningOf(burst.detail) }))
}

function beginningOf(detail: string | null): string | null {
  if (detail === null || detail.length <= shownDetail) return detail
  return `${detail.slice(0, shownDetail)}… (${detail.length - shownDetail} more characters in /health/detailed)`
}
