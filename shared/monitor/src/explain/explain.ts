import { poolOptions } from '@shared/pool'
import type { Advice, AdviceCode, Load, Measurements, OptionChange } from '../advice/advice.ts'
import { formatDuration, formatNumber } from './duration.ts'
import { hostSentences } from './host-sentences.ts'
import { incidentSentences, makeRoom } from './incident-sentences.ts'
import { count } from './words.ts'

/** Puts an advice into a sentence or two: what was measured and what to do, with options by their environment variables. */
export function explainAdvice<C extends AdviceCode>({ code, measured, options }: Advice<C>): string {
  return sentences[code](measured, describeChanges(options))
}

/** How each advice reads. `remedy` says which options to change; empty where none helps. */
const sentences: {
  readonly [C in AdviceCode]: (measured: Measurements[C], remedy: string) => string
} = {
  'database-down': ({ downSince, downMs, errorCode }) =>
    errorCode === '53300'
      ? `The server has had no connection left for this role, nor for its health probe, since ${downSince} (${formatDuration(downMs)}, code 53300): ${makeRoom}.`
      : `The database has not answered since ${downSince} (${formatDuration(downMs)}, code ${errorCode ?? 'none'}): check the server and the way to it.`,

  ...hostSentences,

  ...incidentSentences,

  saturated(measured, remedy) {
    const holder = describeHolder(measured)
    const rest = holder === null ? longestStatement(measured) : []
    return `${holder ?? ''}${[occupation(measured), demand(measured, remedy), ...rest].join('; ')}.`
  },

  'ceiling-reached': ({ limit, allowance, processes, poolSize, maxOverflow }) =>
    `${count(processes, 'process', 'processes')} of this role share ${limit} connections and want more: beside the one for its health probe ` +
    `this one may have ${allowance} of its ${poolSize}${maxOverflow > 0 ? ` + ${maxOverflow}` : ''}; ` +
    (limit < 2 * processes
      ? 'that is less than one for each pool: raise DATABASE_MAX_ROLE_CONNECTIONS, or run fewer processes.'
      : 'shorten what holds a connection, or raise DATABASE_MAX_ROLE_CONNECTIONS if the server has room.'),

  budget({ wanted, allowed, allowedBy, replicas, heldByOthers, serverTakes, fits }, remedy) {
    const pools = replicas === 1 ? 'The pool' : `The pools of ${replicas} replicas`
    const may = Number.isFinite(wanted)
      ? `${pools} and health probe${replicas === 1 ? '' : 's'} may open ${wanted} connections`
      : `${pools} may open connections without limit`
    if (fits)
      return `${may}, but other roles hold ${heldByOthers} of the ${serverTakes} that the server takes: ${remedy}, or raise max_connections.`
    const limit = {
      role: `the role’s CONNECTION LIMIT is ${allowed}`,
      database: `the database’s CONNECTION LIMIT is ${allowed}`,
      server: `the server takes ${allowed} (max_connections less the reserved ones)`,
    }[allowedBy]
    return `${may}, but ${limit}: ${remedy}, or raise the limit.`
  },

  'probe-failures': ({ failed, samples }) =>
    `The database answers again, but in ${failed} of the last ${count(samples, 'sample')} it was unavailable: look at the server's log.`,

  waiting({ periodMs, poolSize, waits, waitP99Ms, utilisation, connects, createP50Ms }, remedy) {
    const reason = remedy
      ? `${count(connects, 'connection was', 'connections were')} opened meanwhile, half of them in ${formatDuration(createP50Ms)} or less: ${remedy} above ${poolSize} so that more stay open`
      : 'the load comes in bursts: spread it, or shorten what holds a connection for long'
    return `${count(waits, 'caller')} waited in the queue in the last ${formatDuration(periodMs)}, and it took up to ${formatDuration(waitP99Ms)} until 99 % of all checkouts were served, though only ${percent(utilisation)} of the pool was in use; ${reason}.`
  },

  'leaked-lease': ({ lease, oldestLeaseMs, endedMs }) =>
    endedMs !== null
      ? `Until ${formatDuration(endedMs)} ago a connection was kept from the pool: ${lease ?? 'held for long'}; do nothing but database work inside a transaction.`
      : `A connection is kept from the pool: ${lease ?? 'held for long'}, the oldest lease being ${formatDuration(oldestLeaseMs)} old; do nothing but database work inside a transaction.`,

  'slow-statement': ({ ageMs, waitEvent, statement, seenMs }) =>
    `A statement had been running for ${formatDuration(ageMs)}${seen(seenMs)}${waitEvent ? `, waiting for ${waitEvent}` : ''}: ${statement}`,

  'idle-transaction': ({ ageMs, state, statement, seenMs }) =>
    `A transaction had been ${state.replace(' in transaction', '')} for ${formatDuration(ageMs)}${seen(seenMs)}, holding a connection and its locks; its last statement was: ${statement}`,

  overflow: ({ periodMs, share, poolSize, open }, remedy) =>
    `In ${percent(share)} of the last ${formatDuration(periodMs)} more than the ${poolSize} kept connections were open, ${formatNumber(open)} on average: that is the usual load, so ${remedy} and save the connects.`,

  oversized: ({ periodMs, poolSize, peakUsed, load }, remedy) =>
    `In the last ${formatDuration(periodMs)} at most ${peakUsed} of ${poolSize} kept connections were seen in use${littlesLaw(load)}: ${remedy}, which leaves the rest of the server's connections to others.`,
}

/** Every code there is. */
export const adviceCodes = Object.keys(sentences) as readonly AdviceCode[]

/** `raise DATABASE_POOL_SIZE to 14`, `lower DATABASE_POOL_SIZE or DATABASE_MAX_OVERFLOW`: by the names that an operator sets. */
function describeChanges(options: readonly OptionChange[]): string {
  return options
    .map(({ option, change, value }, index) => {
      const verb = options[index - 1]?.change === change ? '' : `${change} `
      return `${verb}${poolOptions[option].variable}${value === null ? '' : ` to ${value}`}`
    })
    .join(' or ')
}

function occupation(measured: Measurements['saturated']): string {
  const { periodMs, endedMs, poolSize, maxOverflow, utilisation } = measured
  const { peakWaiting, timeouts, saturations, load } = measured
  const pool = `The pool of ${poolSize}${maxOverflow > 0 ? ` + ${maxOverflow}` : ''}`
  const waiting = peakWaiting > 0 ? ` with ${peakWaiting} waiting at the worst` : ', nobody waited'
  const refused = [
    ...(timeouts > 0 ? [`${count(timeouts, 'checkout')} timed out`] : []),
    ...(saturations > 0 ? [`${saturations} were refused by a full queue`] : []),
  ].join(' and ')
  const when =
    endedMs > 0
      ? `${formatDuration(periodMs)} until ${formatDuration(endedMs)} ago`
      : `the last ${formatDuration(periodMs)}`
  return `${pool} was busy ${percent(utilisation)} of ${when}${waiting}${refused && ` and ${refused}`}${littlesLaw(load)}`
}

function demand({ wanted, room }: Measurements['saturated'], remedy: string): string {
  const demanded = `${wanted} ${wanted === 1 ? 'was' : 'were'} wanted at once on average`
  if (room === null) return `${demanded}, and the database has not reported yet how many it has free`
  const ago = room.seenMs < 1_000 ? '' : ` (${formatDuration(room.seenMs)} ago)`
  if (room.free > 0)
    return `${demanded} and the database has ${count(room.free, 'connection')} free${ago}: ${remedy ? `${remedy}, or ` : ''}shorten what holds a connection`
  const limit = { role: 'its CONNECTION LIMIT', server: 'max_connections' }[room.limitedBy]
  return `${demanded} but the database has none free for ${room.role}${ago}: shorten what holds a connection, or raise ${limit}`
}

/** What holds half of the pool or more, first of all: a reader may see no more than the beginning. */
function describeHolder(measured: Measurements['saturated']): string | null {
  const { longestStatement: longest, poolSize, maxOverflow, endedMs } = measured
  if (longest === null || maxOverflow < 0 || longest.count * 2 < poolSize + maxOverflow) return null
  const { ageMs, state, text, count: times } = longest
  const was = endedMs > 0 ? (times === 1 ? 'was' : 'were') : times === 1 ? 'is' : 'are'
  const held = `${times} of ${count(poolSize + maxOverflow, 'connection')} ${was}`
  return state === 'active'
    ? `${held} at the same statement, for up to ${formatDuration(ageMs)}${endedMs > 0 ? '' : ' so far'}: ${text}. `
    : `${held} ${state} for up to ${formatDuration(ageMs)}, which does nothing but hold ${times === 1 ? 'it' : 'them'}; the last statement: ${text}. `
}

function longestStatement({ longestStatement: longest }: Measurements['saturated']): string[] {
  if (longest === null) return []
  const { ageMs, state, text, count: times } = longest
  const doing = state === 'active' ? '' : ` (${state})`
  const many = times > 1 ? `, on ${times} connections` : ''
  return [`the longest statement was ${formatDuration(ageMs)} old${doing}${many}: ${text}`]
}

function littlesLaw(load: Load | null): string {
  if (load === null) return ''
  const { leasesPerSecond, useMs, leases } = load
  return ` (${formatNumber(leasesPerSecond)} leases/s × ${formatDuration(useMs)} each = ${formatNumber(leases)} at a time)`
}

function seen(seenMs: number): string {
  return seenMs >= 1_000 ? ` when seen ${formatDuration(seenMs)} ago` : ''
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
