import type { DatabaseEvent, PoolStatus } from '@shared/database'
import type { Period } from '../samples/period.ts'
import type { DatabaseHealth } from '../server/health-probe.ts'
import type { ServerReport } from '../server/server-report.ts'

export type AdviceCode =
  | 'database-down'
  | 'saturated'
  | 'budget'
  | 'failures'
  | 'probe-failures'
  | 'waiting'
  | 'leaked-lease'
  | 'slow-statement'
  | 'idle-transaction'
  | 'overflow'
  | 'oversized'

/** What the measured numbers say should be done. */
export interface Advice {
  level: 'info' | 'warning' | 'critical'
  code: AdviceCode
  /** One sentence or two, with the numbers and what to do. */
  text: string
}

/** All that an advice is made of. */
export interface Situation {
  /** Epoch ms. */
  now: number
  pool: PoolStatus
  /** The last minute, and all that is kept; null before the first sample. */
  minute: Period | null
  kept: Period | null
  health: DatabaseHealth | null
  /** Epoch ms of the first failed probe in a row; null while the database answers. */
  downSince: number | null
  /** The last report and when it came, in epoch ms. */
  server: { report: ServerReport; at: number } | null
  replicas: number
  events: readonly DatabaseEvent[]
}

/** Says one kind of thing; null when there is nothing to say. */
export type Rule = (situation: Situation) => Advice | null

// A report is renewed every 30 s while the database answers; an older one describes another time.
const reportIsFreshMs = 45_000

/** What the server said of itself a short while ago; null when that is too long ago. */
export function freshReport({ server, now }: Situation): ServerReport | null {
  return server && now - server.at < reportIsFreshMs ? server.report : null
}
