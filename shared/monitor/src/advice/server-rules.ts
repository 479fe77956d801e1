import type { Advice } from './advice.ts'
import { type Budget, checkBudget } from './budget.ts'
import { freshReport, type Rule, reportAgeMs } from './situation.ts'

const slowStatementMs = 5_000
const idleTransactionMs = 10_000

/** The database does not answer. */
export const databaseDown: Rule<'database-down'> = ({ downSince, health, now }) =>
  downSince === null || health?.status !== 'disconnected'
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
export const overBudget: Rule<'budget'> = ({ pool, server, replicas }) =>
  server && budgetAdvice(checkBudget(pool, server.report, replicas))

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

/** Connections are lost or refused though the database answers. */
export const failures: Rule<'failures'> = ({ minute, health }) => {
  if (!minute || health?.status === 'disconnected') return null
  const { lost, connectFailures, seconds } = minute
  if (lost + connectFailures === 0) return null
  return {
    code: 'failures',
    level: 'warning',
    measured: { periodMs: seconds * 1_000, lost, connectFailures },
    options: [],
  }
}

/** The database was unavailable for a moment. */
export const probeFailures: Rule<'probe-failures'> = ({ minute, health }) =>
  !minute || minute.probesFailed === 0 || health?.status === 'disconnected'
    ? null
    : {
        code: 'probe-failures',
        level: 'warning',
        measured: { failed: minute.probesFailed, samples: minute.samples },
        options: [],
      }

/** A statement runs for long. */
export const slowStatement: Rule<'slow-statement'> = (situation) => {
  const found = freshReport(situation)?.statements.find(({ state }) => state === 'active')
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
  const found = freshReport(situation)?.statements.find(({ state }) => state !== 'active')
  if (!found || found.ageMs < idleTransactionMs) return null
  const { ageMs, state, text } = found
  return {
    code: 'idle-transaction',
    level: 'warning',
    measured: { ageMs, state, statement: text, seenMs: reportAgeMs(situation) },
    options: [],
  }
}
