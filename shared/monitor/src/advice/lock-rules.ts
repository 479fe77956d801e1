import type { Incident } from '../incidents/incident.ts'
import { type Blockage, longestBlockedMs } from '../server/blockages.ts'
import type { Rule, Situation } from './situation.ts'

// The reports of an incident come every 5 s at most.
const liveMs = 10_000
const longMs = 1_000
export const rememberedMs = 300_000

/** Statements wait for a lock that somebody holds, or did so a short while ago. */
export const blocked: Rule<'blocked'> = (situation) => {
  const { pool, now } = situation
  const live = liveBlockage(situation)
  const recent = recentIncident(situation)
  const blockage = live ?? recent?.blockage
  if (!blockage) return null
  const incident = live && beganLater(live, situation) ? null : recent
  const isTrouble = pool.waiting > 0 || (incident?.isPoolFull ?? false) || (incident?.failures ?? 0) > 0
  // Where most connections are at something else, that is what callers wait for.
  const isHarmful = isTrouble && isExplainedByLock(situation)
  return {
    code: 'blocked',
    level: isHarmful ? (live ? 'critical' : 'warning') : live ? 'warning' : 'info',
    measured: {
      endedMs: live ? 0 : now - (incident?.endedAt ?? now),
      lastedMs: Math.max(
        longestBlockedMs(blockage),
        incident?.blockage ? (incident.endedAt ?? now) - incident.beganAt : 0,
      ),
      blockage,
      used: incident?.peak.used ?? pool.checkedOut,
      capacity: incident?.capacity ?? null,
      peakWaiting: Math.max(incident?.peak.waiting ?? 0, live ? pool.waiting : 0),
      failures: incident?.failures ?? 0,
    },
    options: [],
  }
}

/** Whether what the pool went through in the last minute is explained by a held lock. */
export function isExplainedByLock(situation: Situation): boolean {
  const incident = recentIncident(situation)
  const blockage = liveBlockage(situation) ?? incident?.blockage
  if (!blockage) return false
  return blockage.waiting.length * 2 >= (incident?.peak.used ?? situation.pool.checkedOut)
}

/** Whether a session is who others wait for. */
export function isBlocker(situation: Situation, pid: number): boolean {
  return liveBlockage(situation)?.blocker.pid === pid
}

/** The incident that goes on, or has ended a short while ago. */
export function recentIncident({ incident, now }: Situation): Incident | null {
  return incident && now - (incident.endedAt ?? now) < rememberedMs ? incident : null
}

/** Whether nobody waited yet when the last incident saw its last trouble: then that is not this lock's doing. */
function beganLater(live: Blockage, { server, incident }: Situation): boolean {
  return (server?.at ?? 0) - longestBlockedMs(live) > (incident?.troubleAt ?? Number.POSITIVE_INFINITY)
}

function liveBlockage({ server, pool, now }: Situation): Blockage | null {
  const [most] = server && now - server.at < liveMs ? server.report.blockages : []
  if (!most) return null
  return longestBlockedMs(most) >= longMs || pool.waiting > 0 ? most : null
}
