import type { DatabaseEvent, PoolStatus } from '@shared/database'
import type { Period } from '../samples/period.ts'
import type { DatabaseHealth } from '../server/health-probe.ts'
import type { ServerReport } from '../server/server-report.ts'
import type { Advice, AdviceCode } from './advice.ts'

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

/** Looks for one kind of thing; null when it is not there. */
export type Rule<C extends AdviceCode> = (situation: Situation) => Advice<C> | null

// A report is renewed every 30 s while the database answers; an older one describes another time.
const reportIsFreshMs = 45_000

/** What the server reported a short while ago; null when that is too long ago. */
export function freshReport({ server, now }: Situation): ServerReport | null {
  return server && now - server.at < reportIsFreshMs ? server.report : null
}

/** How old the last report is, in ms; 0 before the first. */
export function reportAgeMs({ server, now }: Situation): number {
  return server ? now - server.at : 0
}
