import { type Period, summarise } from './period.ts'
import type { SampleRecord } from './sample.ts'

/** The part of a period in which a pool was busiest: what happened in it is not the mean of the whole. */
export interface BusiestStretch {
  period: Period
  /** How long ago it ended; 0 where it lasts. */
  endedMs: number
}

const busyShare = 0.9
// Those whose time is over fail when the pool gets free.
const aftermath = 2

/** The longest row of samples that saw (nearly) every connection in use, with the two after it; null where none did. */
export function busiestStretch(records: readonly SampleRecord[]): BusiestStretch | null {
  let best = { from: 0, to: 0 }
  for (let from = 0, to = 0; from < records.length; from = Math.max(to, from + 1)) {
    for (to = from; to < records.length && isBusy(records[to]); to++);
    if (to - from > best.to - best.from) best = { from, to }
  }
  if (best.to === best.from) return null
  const busy = summarise(records.slice(best.from, best.to))
  const whole = summarise(records.slice(best.from, best.to + aftermath))
  if (!busy || !whole) return null
  const last = records.at(-1)?.now.at ?? 0
  const { timeouts, saturations, failures } = whole
  return {
    period: { ...busy, timeouts, saturations, failures },
    endedMs: last - (records[best.to - 1]?.now.at ?? last),
  }
}

const isBusy = (record: SampleRecord | undefined): boolean =>
  record !== undefined && record.sample.used >= busyShare * record.sample.max
