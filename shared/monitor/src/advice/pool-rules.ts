import type { PoolStatus } from '@shared/database'
import type { Period } from '../samples/period.ts'
import type { RunningStatement } from '../server/server-report.ts'
import { checkBudget } from './budget.ts'
import { freshReport, type Rule, type Situation } from './situation.ts'
import { count, duration, excerpt, number, percent } from './words.ts'

// Fewer samples say nothing of a minute.
const fewestSamples = 5

/** (Nearly) every connection was in use for a minute, or callers were turned away. */
export const saturated: Rule = (situation) => {
  const { minute, pool, health } = situation
  if (!minute || minute.samples < fewestSamples || health?.status === 'disconnected') return null
  const failed = minute.timeouts + minute.saturations
  if (minute.utilisation < 0.9 && failed === 0) return null
  const waiting =
    minute.peakWaiting > 0 ? ` with ${minute.peakWaiting} waiting at the worst` : ', nobody waited'
  const refused = [
    ...(minute.timeouts > 0 ? [`${count(minute.timeouts, 'checkout')} timed out`] : []),
    ...(minute.saturations > 0 ? [`${minute.saturations} were refused by a full line`] : []),
  ].join(' and ')
  const text = [
    `${poolName(pool)} was busy ${percent(minute.utilisation)} of the last ${duration(minute.seconds * 1_000)}${waiting}${refused && ` and ${refused}`}${littlesLaw(minute)}`,
    room(situation),
    ...longestStatement(situation),
  ].join('; ')
  const level = failed > 0 ? 'critical' : minute.peakWaiting > 0 ? 'warning' : 'info'
  return { level, code: 'saturated', text: `${text}.` }
}

/** Callers wait though there are connections to be had. */
export const waiting: Rule = ({ minute, pool, health }) => {
  if (!minute || minute.samples < fewestSamples || health?.status === 'disconnected') return null
  const { waitP99Ms, waits, utilisation, connects, createP50Ms, connectFailures } = minute
  if (waitP99Ms === null || waitP99Ms < 100 || waits < 10 || utilisation >= 0.9 || connectFailures > 0)
    return null
  const opened =
    connects > 0 && createP50Ms !== null
      ? `${count(connects, 'connection was', 'connections were')} opened meanwhile, half of them in ${duration(createP50Ms)} or less: raise DATABASE_POOL_SIZE above ${pool.poolSize} so that more stay open`
      : 'the load comes in bursts: spread it, or shorten what holds a connection for long'
  return {
    level: 'warning',
    code: 'waiting',
    text: `${count(waits, 'caller')} stood in line in the last ${duration(minute.seconds * 1_000)}, and it took up to ${duration(waitP99Ms)} until 99 % of all checkouts were served, though only ${percent(utilisation)} of the pool was in use; ${opened}.`,
  }
}

/** What is called overflow is the usual load. */
export const overflow: Rule = ({ minute, pool }) => {
  if (!minute || minute.samples < 30 || minute.overflowShare < 0.5 || minute.utilisation >= 0.9) return null
  const wanted = pool.poolSize + Math.ceil(minute.meanOverflow)
  return {
    level: 'info',
    code: 'overflow',
    text: `In ${percent(minute.overflowShare)} of the last ${duration(minute.seconds * 1_000)} more than the ${pool.poolSize} kept connections were open, ${number(pool.poolSize + minute.meanOverflow)} on average: that is the usual load, so raise DATABASE_POOL_SIZE to ${wanted} and save the connects.`,
  }
}

/** Far fewer connections would do. */
export const oversized: Rule = ({ kept, pool }) => {
  if (!kept || kept.seconds < 300 || kept.checkoutsPerSecond < 1 || pool.poolSize < 4) return null
  const most = Math.max(kept.peakUsed, Math.ceil(kept.meanLeases ?? 0), 1)
  const enough = most * 2
  if (enough > pool.poolSize / 2 || kept.peakWaiting > 0 || (kept.waitP99Ms ?? 0) >= 10) return null
  return {
    level: 'info',
    code: 'oversized',
    text: `In the last ${duration(kept.seconds * 1_000)} at most ${kept.peakUsed} of ${pool.poolSize} kept connections were seen in use${littlesLaw(kept)}: DATABASE_POOL_SIZE=${enough} would do, and leaves the rest of the server's connections to others.`,
  }
}

/** Somebody keeps a connection. */
export const leakedLease: Rule = ({ events, pool, now }) => {
  const last = events.findLast(({ type }) => type === 'lease-leaked' || type === 'lease-returned')
  if (last?.type !== 'lease-leaked' || pool.oldestLeaseMs === null) return null
  // Reported before anything that is held now was taken: that lease has come back.
  if (Date.parse(last.at) < now - pool.oldestLeaseMs) return null
  return {
    level: 'warning',
    code: 'leaked-lease',
    text: `A connection is kept from the pool: ${last.detail ?? 'held for long'}, the oldest lease being ${duration(pool.oldestLeaseMs)} old; do nothing but database work inside a transaction.`,
  }
}

function poolName({ poolSize, maxOverflow }: PoolStatus): string {
  return `The pool of ${poolSize}${maxOverflow > 0 ? ` + ${maxOverflow}` : ''}`
}

/** Arrival rate × time of use. A lease may share its connection, so fewer connections may do. */
function littlesLaw({ checkoutsPerSecond, meanUseMs, meanLeases }: Period): string {
  return meanUseMs === null || meanLeases === null
    ? ''
    : ` (${number(checkoutsPerSecond)} leases/s × ${duration(meanUseMs)} each = ${number(meanLeases)} at a time)`
}

function room({ server, pool, minute, replicas, now }: Situation): string {
  const demand = minute ? Math.ceil(minute.meanUsed + minute.meanWaiting) : 0
  const wanted = `${demand} ${demand === 1 ? 'was' : 'were'} wanted at once on average`
  if (!server) return `${wanted}, and the database has not said yet how many it has free`
  const { report, at } = server
  const { free } = checkBudget(pool, report, replicas)
  const ago = now - at < 1_000 ? '' : ` (${duration(now - at)} ago)`
  if (free > 0)
    return `${wanted} and the database has ${count(free, 'connection')} free${ago}: raise DATABASE_POOL_SIZE, or shorten what holds a connection`
  const { name, connections, connectionLimit } = report.role
  const limit =
    connectionLimit !== null && connections >= connectionLimit ? 'its CONNECTION LIMIT' : 'max_connections'
  return `${wanted} but the database has none free for ${name}${ago}: shorten what holds a connection, or raise ${limit}`
}

function longestStatement(situation: Situation): string[] {
  const longest = freshReport(situation)?.statements[0]
  return longest === undefined || longest.ageMs < 1_000
    ? []
    : [`the longest statement was ${describe(longest)}`]
}

function describe({ ageMs, state, text }: RunningStatement): string {
  return `${duration(ageMs)} old${state === 'active' ? '' : ` (${state})`}: ${excerpt(text)}`
}
