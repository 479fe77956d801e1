import type { MonitorEvent } from './monitor-report.ts'
/** Events of one kind that came close together. */
export interface EventBurst {
  readonly type: string
  readonly code: string | null
  /** Of the newest, epoch ms. */
  readonly at: number
  readonly count: number
}
/** Gathers events that say the same again and again, so that they do not hide the others; the newest first. */
export declare function gatherEvents(events: readonly MonitorEvent[]): EventBurst[]
