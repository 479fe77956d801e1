import type { Random } from '../random.ts'

/** What is done to the servers of a cluster; each is healed before the next. */
export const clusterFaults = [
  'primary-killed',
  'primary-frozen',
  'primary-hangs',
  'primary-restarts',
  'old-primary-back',
  'switchover',
  'standby-down',
  'standby-frozen',
  'replay-paused',
  'replay-late',
] as const
export type ClusterFault = (typeof clusterFaults)[number]

/** What a seed decides about a cluster. */
export interface ClusterPlan {
  readonly standbys: number
  /** Whether a commit is answered only when a standby shows it. Else nothing may happen that loses what was answered. */
  readonly isSynchronous: boolean
  readonly faults: readonly ClusterFault[]
  readonly maxLagMs: number
  /** Whether reads of the handle for everything go to standbys too. */
  readonly routeReads: boolean
}

// After these a standby takes over that may lack what nobody waited for.
const losing: readonly ClusterFault[] = ['primary-killed', 'primary-frozen']

export function drawCluster(random: Random): ClusterPlan {
  const isSynchronous = random.chance(0.6)
  const possible = clusterFaults.filter((name) => isSynchronous || !losing.includes(name))
  const share = random.pick([0.3, 0.6, 1])
  const drawn = possible.filter(() => random.chance(share))
  return {
    // One of two is enough for a commit: it goes on while the other is down.
    standbys: isSynchronous ? 2 : random.int(1, 2),
    isSynchronous,
    faults: drawn.length > 0 ? drawn : [random.pick(possible)],
    maxLagMs: random.pick([200, 2_000, 10_000]),
    routeReads: random.chance(0.5),
  }
}
