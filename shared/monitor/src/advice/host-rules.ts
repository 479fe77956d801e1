import type { HostReport } from '../server/host-report.ts'
import type { Rule, Situation } from './situation.ts'

// In the second in which a promotion is noticed, one that has just died still counts as an old primary.
const splitForMs = 3_000
const recentMs = 300_000
/** As long as the minute that rules look at, with what came just before it. */
const aftermathMs = 75_000
// Fewer reads say nothing of a minute.
const fewestReads = 30

/** Several hosts are known, and none of them is the primary. */
export const noPrimary: Rule<'no-primary'> = ({ hosts, downSince, now }) => {
  if (!isWithoutPrimary(hosts) || downSince === null) return null
  return {
    code: 'no-primary',
    level: 'critical',
    measured: { downSince: new Date(downSince).toISOString(), downMs: now - downSince, hosts: [...hosts] },
    options: [],
  }
}

/** A server takes writes though another one was promoted after it. */
export const splitBrain: Rule<'split-brain'> = ({ hosts, splitSince, now }) => {
  const old = hosts.filter(({ role }) => role === 'old-primary')
  if (old.length === 0 || splitSince === null || now - splitSince < splitForMs) return null
  return {
    code: 'split-brain',
    level: 'critical',
    measured: { splitMs: now - splitSince, old, primary: hosts.find(isPrimary) ?? null },
    options: [],
  }
}

/** The primary is there, and another host is not. */
export const hostUnreachable: Rule<'host-unreachable'> = ({ hosts }) => {
  const unreachable = hosts.filter(({ role }) => role === 'unreachable')
  if (unreachable.length === 0 || !hosts.some(isPrimary)) return null
  return {
    code: 'host-unreachable',
    level: 'warning',
    measured: { unreachable, standbys: hosts.filter(({ role }) => role === 'standby').length },
    options: [],
  }
}

/** A standby is too far behind to be read from. */
export const standbyLag: Rule<'standby-lag'> = ({ hosts, maxLagMs }) => {
  const behind = hosts.filter(({ role, lagMs }) => role === 'standby' && (lagMs ?? 0) > maxLagMs)
  if (behind.length === 0) return null
  const standbys = hosts.filter(({ role }) => role === 'standby').length
  return { code: 'standby-lag', level: 'warning', measured: { behind, standbys, maxLagMs }, options: [] }
}

/** Most reads that standbys could have taken went to the primary. */
export const readsOnPrimary: Rule<'reads-on-primary'> = ({ minute, replicaCount }) => {
  if (!minute || replicaCount === 0) return null
  const { standby, primary, behind, failed } = minute.reads
  const reads = standby + primary + behind + failed
  if (reads < fewestReads || standby * 2 >= reads) return null
  return {
    code: 'reads-on-primary',
    // What a standby has failed was tried, and waited for, in vain.
    level: failed > Math.max(primary, behind) ? 'warning' : 'info',
    measured: { periodMs: minute.seconds * 1_000, reads, unavailable: primary, behind, failed },
    options: [],
  }
}

/** Another server became the primary a short while ago. */
export const failedOver: Rule<'failed-over'> = ({ events, hosts, now }) => {
  if (isWithoutPrimary(hosts)) return null
  const recent = events.filter(({ type, at }) => type === 'failed-over' && now - Date.parse(at) < recentMs)
  const last = recent.at(-1)
  if (last === undefined) return null
  return {
    code: 'failed-over',
    level: 'info',
    measured: {
      agoMs: Math.max(0, now - Date.parse(last.at)),
      failovers: recent.length,
      periodMs: recentMs,
      change: last.detail ?? null,
    },
    options: [],
  }
}

/** Whether what a failover broke can still be seen in the last minute. */
export function hasJustFailedOver({ events, now }: Situation): boolean {
  return events.some(({ type, at }) => type === 'failed-over' && now - Date.parse(at) < aftermathMs)
}

/** Whether there are several hosts and none is the primary. */
export function isWithoutPrimary(hosts: readonly HostReport[]): boolean {
  return hosts.length > 0 && !hosts.some(isPrimary)
}

const isPrimary = ({ role }: HostReport): boolean => role === 'primary' || role === 'read-only'
