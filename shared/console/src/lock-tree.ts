import { formatDuration } from '@shared/monitor/duration'
import type { Blockage } from './monitor-report.ts'

/** One session of a lock tree; `depth` 0 is who holds the lock. */
export interface LockTreeRow {
  readonly depth: number
  readonly pid: number
  /** `product · product_app` */
  readonly session: string
  /** What it does, and for how long. */
  readonly doing: string
  /** Without constants. */
  readonly statement: string
}

/** Who keeps whom waiting: each blocker, and below it those that wait. */
export function lockTreeRows(blockages: readonly Blockage[]): LockTreeRow[] {
  return blockages.flatMap(({ blocker, lock, waiting }) => [
    {
      depth: 0,
      pid: blocker.pid,
      session: sessionOf(blocker),
      doing:
        blocker.pid === 0
          ? 'a prepared transaction'
          : `holds ${describeLock(lock)}` +
            (blocker.state === null ? '' : `, ${blocker.state} for ${formatDuration(blocker.ageMs)}`),
      statement: blocker.statement ?? '(hidden from this role)',
    },
    ...waiting.map((one) => ({
      depth: one.depth,
      pid: one.pid,
      session: sessionOf(one),
      doing: `waits for ${formatDuration(one.waitedMs)}`,
      statement: one.statement ?? '(hidden from this role)',
    })),
  ])
}

/** `a row lock on stock` */
export function describeLock(lock: Blockage['lock']): string {
  if (lock === null) return 'a lock'
  return `a ${lock.kind} lock${lock.relation === null ? '' : ` on ${lock.relation}`}`
}

const sessionOf = ({ application, role }: { application: string | null; role: string | null }): string =>
  [application, role].filter(Boolean).join(' · ')
