import type { CeilingStatus } from '@shared/database'
import type { Blockage } from '../server/blockages.ts'
import type { HostReport } from '../server/host-report.ts'
import type { RunningStatement } from '../server/server-report.ts'
import type { Budget } from './budget.ts'

/** What the measured numbers advise: data, which `explainAdvice` of `@shared/monitor/explain` puts into words. */
export type Advice<C extends AdviceCode = AdviceCode> = {
  [Code in C]: {
    code: Code
    level: AdviceLevel
    measured: Measurements[Code]
    /** What to set otherwise; alternatives where there are several, empty where no option helps. */
    options: OptionChange[]
  }
}[C]

export type AdviceLevel = 'info' | 'warning' | 'critical'

export type AdviceCode = keyof Measurements

/** An option of the pool to change. */
export interface OptionChange {
  option: 'poolSize' | 'maxOverflow'
  change: 'raise' | 'lower'
  /** The value to set; null where the numbers give the direction alone. */
  value: number | null
}

/** The numbers behind each advice. Shares are 0 to 1; `periodMs` is the time that was looked at. */
export interface Measurements {
  /** The database does not answer; `downSince` is ISO 8601. */
  'database-down': { downSince: string; downMs: number; errorCode: string | null }
  /** Of several hosts none is the primary, and the database does not answer; `downSince` is ISO 8601. */
  'no-primary': { downSince: string; downMs: number; hosts: HostReport[] }
  /** Servers take writes though `primary` was promoted after them; null where that one can't be reached now. */
  'split-brain': { splitMs: number; old: HostReport[]; primary: HostReport | null }
  /** Statements wait, or waited until `endedMs` ago, for a lock that somebody holds; `used` and `peakWaiting` are the most at a time. */
  blocked: {
    endedMs: number
    lastedMs: number
    blockage: Blockage
    used: number
    /** Infinity without a limit; null where the pool was not in trouble. */
    capacity: number | null
    peakWaiting: number
    failures: number
  }
  /** The server was started again `agoMs` ago. */
  restarted: { agoMs: number; lost: number; probesFailed: number; failures: number }
  /** (Nearly) every connection was in use, or callers were turned away: for `periodMs`, until `endedMs` ago. */
  saturated: {
    periodMs: number
    endedMs: number
    poolSize: number
    maxOverflow: number
    utilisation: number
    peakWaiting: number
    timeouts: number
    saturations: number
    /** Callers that failed. */
    failures: number
    /** Connections in use and callers in the queue on average, rounded up. */
    wanted: number
    load: Load | null
    /** What the server had free for the role; null before its first report. */
    room: Room | null
    /** The oldest statement, when it is older than a second, and how many connections were at it; null otherwise. */
    longestStatement: (Pick<RunningStatement, 'ageMs' | 'state' | 'text'> & { count: number }) | null
  }
  /** The processes of the role want more connections than they share, so that each has its part. */
  'ceiling-reached': Pick<CeilingStatus, 'limit' | 'allowance'> & {
    processes: number
    poolSize: number
    maxOverflow: number
  }
  /** What the pools may open does not fit the server. */
  budget: Budget
  /** Connections were lost or refused though the database answers; `codes` says why connects failed. */
  failures: { periodMs: number; lost: number; connectFailures: number; codes: string[]; room: Room | null }
  /** Hosts beside the primary do not answer; `standbys` are those that do. */
  'host-unreachable': { unreachable: HostReport[]; standbys: number }
  /** Of so many standbys these are too far behind to be read from. */
  'standby-lag': { behind: HostReport[]; standbys: number; maxLagMs: number }
  /** The database was unavailable for a moment: the samples that saw it so, of all. */
  'probe-failures': { failed: number; samples: number }
  /** Callers waited though there were connections to be had. */
  waiting: {
    periodMs: number
    poolSize: number
    waits: number
    waitP99Ms: number
    utilisation: number
    connects: number
    /** Median time of the connections opened meanwhile; null when none was. */
    createP50Ms: number | null
  }
  /** A lease is held for too long, or was until `endedMs` ago (null: it is held); `lease` says for how long when that was reported, and where it began. */
  'leaked-lease': { lease: string | null; oldestLeaseMs: number | null; endedMs: number | null }
  /** A statement runs for long, as the server reported `seenMs` ago. */
  'slow-statement': { ageMs: number; waitEvent: string | null; statement: string; seenMs: number }
  /** A transaction is open and does nothing, as the server reported `seenMs` ago; `statement` is its last. */
  'idle-transaction': { ageMs: number; state: string; statement: string; seenMs: number }
  /** More connections than poolSize were open most of the time; `open` is their mean. */
  overflow: { periodMs: number; share: number; poolSize: number; open: number }
  /** Of so many reads most ran on the primary: no standby could take them, did not show yet what was written, or failed. */
  'reads-on-primary': {
    periodMs: number
    reads: number
    unavailable: number
    behind: number
    failed: number
  }
  /** The primary has changed `agoMs` ago, the last time of several; `change` says from which to which. */
  'failed-over': { agoMs: number; failovers: number; periodMs: number; change: string | null }
  /** Far fewer connections would do. */
  oversized: { periodMs: number; poolSize: number; peakUsed: number; load: Load | null }
}

/** Little's law: arrival rate × time of use = leases at a time. A lease may share its connection, so fewer connections may do. */
export interface Load {
  leasesPerSecond: number
  useMs: number
  leases: number
}

/** How many connections a role could open when the server was last asked, `seenMs` ago, and what stops it at 0. */
export interface Room {
  role: string
  free: number
  limitedBy: 'role' | 'server'
  seenMs: number
}
