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
  /** (Nearly) every connection was in use, or callers were turned away. */
  saturated: {
    periodMs: number
    poolSize: number
    maxOverflow: number
    utilisation: number
    peakWaiting: number
    timeouts: number
    saturations: number
    /** Connections in use and callers in the queue on average, rounded up. */
    wanted: number
    load: Load | null
    /** What the server had free for the role; null before its first report. */
    room: Room | null
    /** The oldest statement, when it is older than a second; null otherwise. */
    longestStatement: Pick<RunningStatement, 'ageMs' | 'state' | 'text'> | null
  }
  /** What the pools may open does not fit the server. */
  budget: Budget
  /** Connections were lost or refused though the database answers. */
  failures: { periodMs: number; lost: number; connectFailures: number }
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
  /** A lease is held for too long; `lease` says for how long when it was reported, and where it began. */
  'leaked-lease': { lease: string | null; oldestLeaseMs: number }
  /** A statement runs for long, as the server reported `seenMs` ago. */
  'slow-statement': { ageMs: number; waitEvent: string | null; statement: string; seenMs: number }
  /** A transaction is open and does nothing, as the server reported `seenMs` ago; `statement` is its last. */
  'idle-transaction': { ageMs: number; state: string; statement: string; seenMs: number }
  /** More connections than poolSize were open most of the time; `open` is their mean. */
  overflow: { periodMs: number; share: number; poolSize: number; open: number }
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
