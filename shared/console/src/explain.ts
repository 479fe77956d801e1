import { formatDuration } from '@shared/monitor/duration'
import type { MonitorReport, Pool } from './monitor-report.ts'
import type { ServiceStatus } from './wire.ts'

type Report = Omit<MonitorReport, 'samples'>

/** Healthy, but starting or draining, is not healthy for those who ask it for anything. */
export function statusOf(report: Report): ServiceStatus {
  return report.status === 'healthy' && !report.ready ? 'degraded' : report.status
}

/** Why a service is not healthy: its own most urgent advice, else what its numbers say; empty when it is. */
export function explain(report: Report): string {
  if (statusOf(report) === 'healthy') return ''
  const critical = report.advice.find(({ level }) => level === 'critical')
  if (critical !== undefined) return critical.text
  if (report.database.status === 'disconnected') {
    return `PostgreSQL cannot be reached${report.database.code === null ? '' : ` (${report.database.code})`}.`
  }
  if (report.status === 'healthy') return 'It takes no requests now: it is starting or draining.'
  // A database that answers makes a service unhealthy only by what it lacks.
  if (report.status === 'unhealthy') return 'Its database lacks migrations: apply them.'
  // With the statements that hold the connections, once the server has said which.
  const full = report.advice.find(({ code }) => code === 'saturated')
  return full?.text ?? occupation(report.pool)
}

function occupation({
  checkedOut,
  waiting,
  longestWaitMs,
  oldestLeaseMs,
  poolSize,
  maxOverflow,
}: Pool): string {
  const most = maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
  const oldest = oldestLeaseMs === null ? '' : `, the longest for ${formatDuration(oldestLeaseMs)}`
  const line =
    waiting === 0
      ? 'the next caller has to wait'
      : `${waiting} ${waiting === 1 ? 'caller waits' : 'callers wait'}${
          longestWaitMs === null ? '' : `, the longest for ${formatDuration(longestWaitMs)}`
        }`
  return checkedOut < most && waiting > 0
    ? `${checkedOut} ${checkedOut === 1 ? 'connection is' : 'connections are'} in use${oldest}, and no other one is open yet; ${line}.`
    : `All ${checkedOut} connections are in use${oldest}; ${line}.`
}
