import type { CeilingStatus, DatabaseEvent, PoolStatus } from '@shared/database'
import type { Incident } from '../incidents/incident.ts'
import type { BusiestStretch } from '../samples/busiest.ts'
import type { Period } from '../samples/period.ts'
import type { DatabaseHealth } from '../server/health-probe.ts'
import type { HostReport } from '../server/host-report.ts'
import type { ServerReport } from '../server/server-report.ts'
import type { Advice, AdviceCode, Room } from './advice.ts'
import { checkBudget } from './budget.ts'

/** All that an advice is made of. */
export interface Situation {
  /** Epoch ms. */
  now: number
  pool: PoolStatus
  /** The last minute, and all that is kept; null before the first sample. */
  minute: Period | null
  kept: Period | null
  /** Of the last minute the part in which the pool was busiest; null where it never was. */
  busiest: BusiestStretch | null
  /** What goes on, or went on last with a known cause; null when nothing did. */
  incident: Incident | null
  health: DatabaseHealth | null
  /** Epoch ms of the first failed probe in a row; null while the database answers. */
  downSince: number | null
  /** The last report and when it came, in epoch ms. */
  server: { report: ServerReport; at: number } | null
  /** Processes that share the server. */
  replicas: number
  /** What the processes of the role share; null where each opens what its own pool allows. */
  ceiling: CeilingStatus | null
  /** What is known of each host; empty with one. */
  hosts: readonly HostReport[]
  /** Epoch ms of the first sample in a row that saw an old primary; null while there is none. */
  splitSince: number | null
  /** A standby further behind is not read from. */
  maxLagMs: number
  /** Hosts that reads may go to; 0: all go to the primary. */
  replicaCount: number
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

/** How many connections the role could open when the server was last asked; null before its first report. */
export function roomOf(situation: Situation): Room | null {
  const { server, pool, replicas, ceiling } = situation
  if (!server) return null
  const { name, connections, connectionLimit } = server.report.role
  return {
    role: name,
    free: checkBudget(pool, server.report, replicas, ceiling).free,
    limitedBy: connectionLimit !== null && connections >= connectionLimit ? 'role' : 'server',
    seenMs: reportAgeMs(situation),
  }
}
