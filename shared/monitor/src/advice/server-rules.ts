import type { Advice } from './advice.ts'
import { type Budget, checkBudget } from './budget.ts'
import { hasJustFailedOver, isWithoutPrimary } from './host-rules.ts'
import { isBlocker, isExplainedByLock } from './lock-rules.ts'
import { freshReport, type Rule, reportAgeMs, roomOf, type Situation } from './situation.ts'

const slowStatementMs = 5_000
const idleTransactionMs = 10_000
/** As long as the minute that rules look at, with what came just before it. */
const aftermathMs = 75_000
/** SQLSTATE too_many_connections: of the server, the database or the role. */
const tooManyConnections = '53300'

/** The database does not answer. That none of its hosts is the primary says more. */
export const databaseDown: Rule<'database-down'> = ({ downSince, health, hosts, now }) =>
  downSince === null || health?.status !== 'disconnected' || isWithoutPrimary(hosts)
    ? null
    : {
        code: 'database-down',
        level: 'critical',
        measured: {
          downSince: new Date(downSince).toISOString(),
          downMs: now - downSince,
          errorCode: health.code,
        },
        options: [],
      }

/** What the pools may open does not fit the server. */
export const overBudget: Rule<'budget'> = ({ pool, server, replicas, ceiling }) =>
  server && budgetAdvice(checkBudget(pool, server.report, replicas, ceiling))

/** The processes of the role want more connections than they share. With fewer than two each some have none. */
export const ceilingReached: Rule<'ceiling-reached'> = ({ pool, ceiling }) => {
  if (!ceiling?.isReached || ceiling.processes === null) return null
  const { limit, allowance, processes } = ceiling
  const { poolSize, maxOverflow } = pool
  return {
    code: 'ceiling-reached',
    level: limit < 2 * processes ? 'critical' : pool.waiting > 0 ? 'warning' : 'info',
    measured: { limit, allowance, processes, poolSize, maxOverflow },
    options: [],
  }
}

/** What to do about a budget; null when it fits. */
export function budgetAdvice(budget: Budget): Advice<'budget'> | null {
  if (budget.fitsNow) return null
  return {
    code: 'budget',
    level: 'warning',
    measured: budget,
    options: [
      { option: 'poolSize', change: 'lower', value: null },
      { option: 'maxOverflow', change: 'lower', value: null },
    ],
  }
}

/** Connections are lost or refused though the database answers; those of a failover, an outage or a restart belong to it. */
export const failures: Rule<'failures'> = (situation) => {
  const { minute, health, pool, events, now } = situation
  if (!minute || health?.status === 'disconnected' || hasJustFailedOver(situation)) return null
  if (hasRestarted(situation)) return null
  const { steadyLost: lost, steadyConnectFailures: connectFailures, seconds } = minute
  if (lost + connectFailures === 0) return null
  const since = now - seconds * 1_000
  const codes = events
    .filter(({ type, at }) => type === 'connect-failed' && Date.parse(at) >= since)
    .flatMap(({ code }) => code ?? [])
  const isFull = codes.includes(tooManyConnections)
  return {
    code: 'failures',
    level: isFull && (pool.waiting > 0 || minute.failures > 0) ? 'critical' : 'warning',
    measured: {
      periodMs: seconds * 1_000,
      lost,
      connectFailures,
      codes: [...new Set(codes)],
      room: isFull ? roomOf(situation) : null,
    },
    options: [],
  }
}

/** The server was started again, and this pool has felt it. */
export const restarted: Rule<'restarted'> = (situation) => {
  const { minute, server, health, now } = situation
  if (!minute || !server || health?.status === 'disconnected' || !hasRestarted(situation)) return null
  const { lost, probesFailed } = minute
  if (lost + probesFailed === 0) return null
  return {
    code: 'restarted',
    level: minute.failures > 0 ? 'warning' : 'info',
    measured: {
      agoMs: now - (server.at - server.report.uptimeMs),
      lost,
      probesFailed,
      failures: minute.failures,
    },
    options: [],
  }
}

/** Whether the server was started within the last minute, or just before it, and this pool was there before. */
function hasRestarted({ server, kept, now }: Situation): boolean {
  if (!server || !kept) return false
  const startedMs = now - (server.at - server.report.uptimeMs)
  return startedMs < aftermathMs && startedMs < kept.seconds * 1_000
}

/** The database was unavailable for a moment; that of a failover belongs to it. */
export const probeFailures: Rule<'probe-failures'> = (situation) => {
  const { minute, health } = situation
  return !minute ||
    minute.probesFailed === 0 ||
    health?.status === 'disconnected' ||
    hasJustFailedOver(situation) ||
    hasRestarted(situation)
    ? null
    : {
        code: 'probe-failures',
        level: 'warning',
        measured: { failed: minute.probesFailed, samples: minute.samples },
        options: [],
      }
}

/** A statement runs for long. */
export const slowStatement: Rule<'slow-statement'> = (situation) => {
  const isTold = isExplainedByLock(situation)
  const found = freshReport(situation)?.statements.find(
    ({ state, waitEvent }) => state === 'active' && !(isTold && waitEvent?.startsWith('Lock/')),
  )
  if (!found || found.ageMs < slowStatementMs) return null
  const { ageMs, waitEvent, text } = found
  return {
    code: 'slow-statement',
    level: 'warning',
    measured: { ageMs, waitEvent, statement: text, seenMs: reportAgeMs(situation) },
    options: [],
  }
}

/** A transaction is open and does nothing. */
export const idleTransaction: Rule<'idle-transaction'> = (situation) => {
  const found = freshReport(situation)?.statements.find(
    ({ state, pid }) => state !== 'active' && !isBlocker(situation, pid),
  )
  if (!found || found.ageMs < idleTransactionMs) return null
  const { ageMs, state, text } = found
  return {
    code: 'idle-transaction',
    level: 'warning',
    measured: { ageMs, state, statement: text, seenMs: reportAgeMs(situation) },
    options: [],
  }
}
