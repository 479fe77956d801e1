import type { Measurements } from '../advice/advice.ts'
import { describeBlocker, describeLock, describeStatement, describeVictims } from '../incidents/describe.ts'
import { formatDuration } from './duration.ts'
import { count } from './words.ts'

type Codes = 'blocked' | 'restarted' | 'failures'

/** What to do about a server that is full. */
export const makeRoom =
  'close connections of others, lower DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW of all replicas, or raise the limit'

/** How advice reads that tells what somebody else has done: held a lock, stopped the server, refused connections. */
export const incidentSentences: { readonly [C in Codes]: (measured: Measurements[C]) => string } = {
  blocked(measured) {
    const { blockage, endedMs, lastedMs, used, capacity, peakWaiting, failures } = measured
    const { blocker, waiting } = blockage
    const isOver = endedMs > 0
    const held = isOver ? 'held' : 'holds'
    const when = isOver
      ? `Until ${formatDuration(endedMs)} ago, for ${formatDuration(lastedMs)}, `
      : `For ${formatDuration(lastedMs)} now `
    const max = capacity !== null && Number.isFinite(capacity) ? ` of ${capacity}` : ''
    const effect = [
      `${count(waiting.length, 'statement')} ${isOver ? 'waited' : waiting.length === 1 ? 'waits' : 'wait'} for ${describeLock(blockage)}`,
      `${used}${max} connections in use`,
      ...(peakWaiting > 0 ? [`up to ${count(peakWaiting, 'caller')} in the queue`] : []),
      ...(failures > 0 ? [`${failures} failed`] : []),
    ].join(', ')
    const remedy = isOver
      ? 'keep its transactions short, and set a lock_timeout'
      : `let it commit, or end it: select pg_terminate_backend(${blocker.pid})`
    const statement = describeStatement(blocker)
    const who = `${describeBlocker(blocker)} ${held} it${statement && `; ${statement}`}`
    return `${when}${effect}. ${capitalised(who)}. Waiting: ${describeVictims(blockage)}. What to do: ${blocker.pid === 0 ? 'commit or roll back the prepared transaction' : remedy}.`
  },

  restarted({ agoMs, lost, probesFailed, failures }) {
    const felt = [
      ...(lost > 0 ? [`${count(lost, 'connection was', 'connections were')} lost with it`] : []),
      ...(probesFailed > 0 ? [`in ${count(probesFailed, 'sample')} it did not answer`] : []),
      `${failures === 0 ? 'nothing' : failures} failed`,
    ].join(', ')
    return `The server was started ${formatDuration(agoMs)} ago: ${felt}; it answers again.`
  },

  failures({ periodMs, lost, connectFailures, codes, room }) {
    const because = codes.length > 0 ? ` (${codes.join(', ')})` : ''
    const found = [
      ...(lost > 0 ? [`${count(lost, 'connection was', 'connections were')} lost`] : []),
      ...(connectFailures > 0 ? [`${count(connectFailures, 'connect')} failed${because}`] : []),
    ].join(' and ')
    const what = `In the last ${formatDuration(periodMs)} ${found} while the database answers`
    if (!codes.includes('53300'))
      return `${what}: look at the events' codes, at the server's log and at what lies between.`
    const limit = {
      role: `the CONNECTION LIMIT of ${room?.role} is reached`,
      server: 'max_connections is reached, or the limit of the database or the role',
    }[room?.limitedBy ?? 'server']
    return `${what}: the server has no connection left for this role; ${limit}: ${makeRoom}.`
  },
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
