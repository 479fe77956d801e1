import { type HostState, hostName } from '@shared/database'

/** A host of the database as reports show it: by its name, with nothing that JSON can't hold. */
export interface HostReport {
  /** `db-1:5432` */
  host: string
  role: HostState['role']
  timeline: number | null
  /** How far a standby is behind; null for others, and while that is not known. */
  lagMs: number | null
  /** Why it could not be asked: an SQLSTATE or the driver's code, never a message. */
  code: string | null
}

/** What is known of each host, in the order in which they are listed; empty with one host. */
export function reportHosts(states: readonly HostState[]): HostReport[] {
  return states.map(({ host, role, timeline, lagMs, code }) => ({
    host: hostName(host),
    role,
    timeline,
    lagMs: lagMs === null ? null : Math.round(lagMs),
    code,
  }))
}
