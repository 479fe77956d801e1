import { checkBudget, describeBudget } from './budget.ts'
import { freshReport, type Rule, type Situation } from './situation.ts'
import { count, duration, excerpt } from './words.ts'

const slowStatementMs = 5_000
const idleTransactionMs = 10_000

/** The database does not answer. */
export const databaseDown: Rule = ({ downSince, health, now }) =>
  downSince === null || health?.status !== 'disconnected'
    ? null
    : {
        level: 'critical',
        code: 'database-down',
        text: `The database has not answered since ${new Date(downSince).toISOString()} (${duration(now - downSince)}, code ${health.code ?? 'none'}): check the server and the way to it.`,
      }

/** What the pools may open does not fit the server. */
export const overBudget: Rule = ({ pool, server, replicas }) => {
  const text = server && describeBudget(checkBudget(pool, server.report, replicas))
  return text ? { level: 'warning', code: 'budget', text } : null
}

/** Connections are lost or refused though the database answers. */
export const failures: Rule = ({ minute, health }) => {
  if (!minute || health?.status === 'disconnected') return null
  const { lost, connectFailures } = minute
  if (lost + connectFailures === 0) return null
  const parts = [
    ...(lost > 0 ? [`${count(lost, 'connection was', 'connections were')} lost`] : []),
    ...(connectFailures > 0 ? [`${count(connectFailures, 'connect')} failed`] : []),
  ]
  return {
    level: 'warning',
    code: 'failures',
    text: `In the last ${duration(minute.seconds * 1_000)} ${parts.join(' and ')} while the database answers: look at the events' codes, at the server's log and at what lies between.`,
  }
}

/** The database was away for a moment. */
export const probeFailures: Rule = ({ minute, health }) =>
  !minute || minute.probesFailed === 0 || health?.status === 'disconnected'
    ? null
    : {
        level: 'warning',
        code: 'probe-failures',
        text: `The database answers again, but ${minute.probesFailed} of the last ${count(minute.samples, 'sample')} saw it away: look at the server's log.`,
      }

/** A statement runs for long. */
export const slowStatement: Rule = (situation) => {
  const found = freshReport(situation)?.statements.find(({ state }) => state === 'active')
  if (!found || found.ageMs < slowStatementMs) return null
  return {
    level: 'warning',
    code: 'slow-statement',
    text: `A statement had been running for ${duration(found.ageMs)}${seen(situation)}${found.waitEvent ? `, waiting for ${found.waitEvent}` : ''}: ${excerpt(found.text)}`,
  }
}

/** A transaction is open and does nothing. */
export const idleTransaction: Rule = (situation) => {
  const found = freshReport(situation)?.statements.find(({ state }) => state !== 'active')
  if (!found || found.ageMs < idleTransactionMs) return null
  return {
    level: 'warning',
    code: 'idle-transaction',
    text: `A transaction had been ${found.state.replace(' in transaction', '')} for ${duration(found.ageMs)}${seen(situation)}, holding a connection and its locks; its last statement was: ${excerpt(found.text)}`,
  }
}

function seen({ server, now }: Situation): string {
  return server && now - server.at >= 1_000 ? ` when seen ${duration(now - server.at)} ago` : ''
}
