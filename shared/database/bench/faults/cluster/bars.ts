import { atMost, type Bar } from '../../kit/index.ts'
import type { Cell, ClusterReport } from './run-faults.ts'
import type { ScenarioId } from './scenarios.ts'
import { schedule } from './schedule.ts'

type Seen = NonNullable<Cell['result']>

/** What this layer wants to keep, and whether it did. */
export function clusterBars({ cells }: ClusterReport): Bar[] {
  const ours = cells.filter(({ peer }) => peer === 'layer')
  const of = (id: ScenarioId, number: (seen: Seen) => number | null): number | null => {
    const seen = ours.find(({ scenario }) => scenario === id)?.result
    return seen ? number(seen) : null
  }
  const all = ours.map(({ result }) =>
    result ? result.hung + result.stale + result.lost + result.twice + result.wrong + result.uncaught : 1,
  )
  const afterPromotion = ({ isServed, gapAfterPromotionMs }: Seen) =>
    isServed ? gapAfterPromotionMs : Number.POSITIVE_INFINITY
  const failed = (seen: Seen) => seen.failed
  return [
    atMost(1_000, of('kill', afterPromotion), 'primary killed: writes within 1 s of the promotion', ' ms'),
    atMost(schedule.callers, of('kill', failed), 'primary killed: no call fails but those in flight'),
    atMost(0, of('switchover', failed), 'switchover: no call fails'),
    atMost(3_000, of('freeze', afterPromotion), 'primary frozen: writes within 3 s of the promotion', ' ms'),
    atMost(0, of('standby-killed', failed), 'standby killed: no call fails'),
    atMost(
      0,
      all.reduce((sum, count) => sum + count, 0),
      'everywhere: nothing hung, stale, lost, done twice, told wrongly, uncaught',
    ),
  ]
}
