import { isUnderstood, waitIsTroubleMs } from '../incidents/incident.ts'
import type { Period } from '../samples/period.ts'
import { capacity } from '../samples/sample.ts'
import type { Load, Measurements } from './advice.ts'
import { isExplainedByLock, recentIncident, rememberedMs } from './lock-rules.ts'
import { freshReport, type Rule, roomOf, type Situation } from './situation.ts'

// Fewer samples say nothing of a minute.
const fewestSamples = 5
const minuteMs = 60_000

/** (Nearly) every connection was in use for some seconds, or callers were turned away. That part of the minute is judged, not its mean. */
export const saturated: Rule<'saturated'> = (situation) => {
  const { minute, busiest, pool, health } = situation
  if (!minute || health?.status === 'disconnected') return null
  // Where it is known what holds the connections, no more samples are needed.
  const fewest = isHolderKnown(situation) ? 1 : fewestSamples
  if (minute.samples < fewest) return null
  const stretch = busiest && busiest.period.samples >= fewest ? busiest : null
  const { period, endedMs } = stretch ?? { period: minute, endedMs: 0 }
  const { timeouts, saturations } = minute
  const failed = timeouts + saturations
  // A pool that was not full turns callers away because it can open no connection: its size is not why.
  const wasAway = minute.connectFailures > 0 || minute.probesFailed > 0
  if ((stretch === null && (failed === 0 || wasAway)) || isExplainedByLock(situation)) return null
  const room = roomOf(situation)
  const longest = longestStatement(situation)
  // A larger pool would only run more of such statements at a time.
  const isHeldByOne = longest !== null && longest.count * 2 >= capacity(pool)
  const isLoad =
    !isHeldByOne && !wasAway && (stretch?.period.samples ?? 0) >= fewestSamples && isAsked(situation)
  return {
    code: 'saturated',
    level: failed > 0 && endedMs === 0 ? 'critical' : failed + period.peakWaiting > 0 ? 'warning' : 'info',
    measured: {
      periodMs: period.seconds * 1_000,
      endedMs,
      poolSize: pool.poolSize,
      maxOverflow: pool.maxOverflow,
      utilisation: period.utilisation,
      peakWaiting: period.peakWaiting,
      timeouts,
      saturations,
      failures: minute.failures,
      wanted: Math.ceil(period.meanUsed + period.meanWaiting),
      load: loadOf(period),
      room,
      longestStatement: longest,
    },
    options: room && room.free > 0 && isLoad ? [{ option: 'poolSize', change: 'raise', value: null }] : [],
  }
}

/** Whether the server has been asked since the incident of now began: what holds the connections may be no load at all. */
function isAsked({ incident, server }: Situation): boolean {
  return incident === null || incident.endedAt !== null || (server?.at ?? 0) > incident.beganAt
}

/** Whether what fills the pool, or did within the last minute, is known. */
function isHolderKnown({ incident, now }: Situation): boolean {
  return incident?.isPoolFull === true && isUnderstood(incident) && now - (incident.endedAt ?? now) < minuteMs
}

/** Callers wait though there are connections to be had. */
export const waiting: Rule<'waiting'> = (situation) => {
  const { minute, pool, health } = situation
  if (!minute || minute.samples < fewestSamples || health?.status === 'disconnected') return null
  if (isExplainedByLock(situation) || saturated(situation)) return null
  if (minute.connectFailures > 0 || minute.probesFailed > 0) return null
  const { waitP99Ms, waits, utilisation, connects, createP50Ms } = minute
  if (waitP99Ms === null || waitP99Ms < 100 || waits < 10 || utilisation >= 0.9) return null
  const { poolSize } = pool
  return {
    code: 'waiting',
    level: 'warning',
    measured: {
      periodMs: minute.seconds * 1_000,
      poolSize,
      waits,
      waitP99Ms,
      utilisation,
      connects,
      createP50Ms,
    },
    // Without connects in that time it is bursts: a larger pool would not have helped.
    options:
      connects > 0 && createP50Ms !== null ? [{ option: 'poolSize', change: 'raise', value: null }] : [],
  }
}

/** What is called overflow is the usual load. */
export const overflow: Rule<'overflow'> = (situation) => {
  const { minute, pool } = situation
  const { poolSize } = pool
  if (!minute || minute.samples < 30 || minute.overflowShare < 0.5 || minute.utilisation >= 0.9) return null
  // What a lock or a slow statement keeps open is not usual.
  if (isHolderKnown(situation)) return null
  const value = poolSize + Math.ceil(minute.meanOverflow)
  return {
    code: 'overflow',
    level: 'info',
    measured: {
      periodMs: minute.seconds * 1_000,
      share: minute.overflowShare,
      poolSize,
      open: poolSize + minute.meanOverflow,
    },
    options: [{ option: 'poolSize', change: 'raise', value }],
  }
}

/** Far fewer connections would do. */
export const oversized: Rule<'oversized'> = ({ kept, pool: { poolSize } }) => {
  if (!kept || kept.seconds < 300 || kept.checkoutsPerSecond < 1 || poolSize < 4) return null
  const { peakUsed } = kept
  const value = Math.max(peakUsed, Math.ceil(kept.meanLeases ?? 0), 1) * 2
  if (value > poolSize / 2 || kept.peakWaiting > 0 || (kept.waitP99Ms ?? 0) >= 10) return null
  return {
    code: 'oversized',
    level: 'info',
    measured: { periodMs: kept.seconds * 1_000, poolSize, peakUsed, load: loadOf(kept) },
    options: [{ option: 'poolSize', change: 'lower', value }],
  }
}

/** A lease is held for too long, or was, and the pool had nothing left because of it. */
export const leakedLease: Rule<'leaked-lease'> = (situation) => {
  const { events, pool, now } = situation
  const last = events.findLast(({ type }) => type === 'lease-leaked' || type === 'lease-returned')
  if (last === undefined) return null
  const agoMs = now - Date.parse(last.at)
  const isOver = last.type === 'lease-returned'
  const { oldestLeaseMs } = pool
  // Reported before anything that is held now was taken: that lease has come back.
  if (!isOver && (oldestLeaseMs === null || agoMs > oldestLeaseMs)) return null
  if (isOver && (agoMs >= rememberedMs || !recentIncident(situation)?.isPoolFull)) return null
  return {
    code: 'leaked-lease',
    level: isOver ? 'info' : 'warning',
    measured: { lease: last.detail ?? null, oldestLeaseMs, endedMs: isOver ? agoMs : null },
    options: [],
  }
}

function loadOf({ checkoutsPerSecond, meanUseMs, meanLeases }: Period): Load | null {
  return meanUseMs === null || meanLeases === null
    ? null
    : { leasesPerSecond: checkoutsPerSecond, useMs: meanUseMs, leases: meanLeases }
}

function longestStatement(situation: Situation): Measurements['saturated']['longestStatement'] {
  const statements = freshReport(situation)?.statements ?? []
  const [longest] = statements
  const seen = recentIncident(situation)?.slowest
  const before = seen && seen.statement.ageMs > (longest?.ageMs ?? 0) ? seen : null
  const found = before?.statement ?? longest
  if (found === undefined || found.ageMs < waitIsTroubleMs) return null
  const { ageMs, state, text } = found
  const count = before?.count ?? statements.filter((one) => one.text === text && one.state === state).length
  return { ageMs, state, text, count }
}
