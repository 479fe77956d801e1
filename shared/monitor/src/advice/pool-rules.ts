import type { Period } from '../samples/period.ts'
import type { Load, Measurements, Room } from './advice.ts'
import { checkBudget } from './budget.ts'
import { freshReport, type Rule, reportAgeMs, type Situation } from './situation.ts'

// Fewer samples say nothing of a minute.
const fewestSamples = 5

/** (Nearly) every connection was in use for a minute, or callers were turned away. */
export const saturated: Rule<'saturated'> = (situation) => {
  const { minute, pool, health } = situation
  if (!minute || minute.samples < fewestSamples || health?.status === 'disconnected') return null
  const { utilisation, peakWaiting, timeouts, saturations } = minute
  const failed = timeouts + saturations
  if (utilisation < 0.9 && failed === 0) return null
  const room = roomOf(situation)
  return {
    code: 'saturated',
    level: failed > 0 ? 'critical' : peakWaiting > 0 ? 'warning' : 'info',
    measured: {
      periodMs: minute.seconds * 1_000,
      poolSize: pool.poolSize,
      maxOverflow: pool.maxOverflow,
      utilisation,
      peakWaiting,
      timeouts,
      saturations,
      wanted: Math.ceil(minute.meanUsed + minute.meanWaiting),
      load: loadOf(minute),
      room,
      longestStatement: longestStatement(situation),
    },
    options: room && room.free > 0 ? [{ option: 'poolSize', change: 'raise', value: null }] : [],
  }
}

/** Callers wait though there are connections to be had. */
export const waiting: Rule<'waiting'> = ({ minute, pool, health }) => {
  if (!minute || minute.samples < fewestSamples || health?.status === 'disconnected') return null
  const { waitP99Ms, waits, utilisation, connects, createP50Ms, connectFailures } = minute
  if (waitP99Ms === null || waitP99Ms < 100 || waits < 10 || utilisation >= 0.9 || connectFailures > 0)
    return null
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
export const overflow: Rule<'overflow'> = ({ minute, pool: { poolSize } }) => {
  if (!minute || minute.samples < 30 || minute.overflowShare < 0.5 || minute.utilisation >= 0.9) return null
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

/** A lease is held for too long. */
export const leakedLease: Rule<'leaked-lease'> = ({ events, pool: { oldestLeaseMs }, now }) => {
  const last = events.findLast(({ type }) => type === 'lease-leaked' || type === 'lease-returned')
  if (last?.type !== 'lease-leaked' || oldestLeaseMs === null) return null
  // Reported before anything that is held now was taken: that lease has come back.
  if (Date.parse(last.at) < now - oldestLeaseMs) return null
  return {
    code: 'leaked-lease',
    level: 'warning',
    measured: { lease: last.detail ?? null, oldestLeaseMs },
    options: [],
  }
}

function loadOf({ checkoutsPerSecond, meanUseMs, meanLeases }: Period): Load | null {
  return meanUseMs === null || meanLeases === null
    ? null
    : { leasesPerSecond: checkoutsPerSecond, useMs: meanUseMs, leases: meanLeases }
}

function roomOf(situation: Situation): Room | null {
  const { server, pool, replicas } = situation
  if (!server) return null
  const { name, connections, connectionLimit } = server.report.role
  return {
    role: name,
    free: checkBudget(pool, server.report, replicas).free,
    limitedBy: connectionLimit !== null && connections >= connectionLimit ? 'role' : 'server',
    seenMs: reportAgeMs(situation),
  }
}

function longestStatement(situation: Situation): Measurements['saturated']['longestStatement'] {
  const longest = freshReport(situation)?.statements[0]
  if (longest === undefined || longest.ageMs < 1_000) return null
  const { ageMs, state, text } = longest
  return { ageMs, state, text }
}
