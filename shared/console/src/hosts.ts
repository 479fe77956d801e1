import { formatDuration } from '@shared/monitor/duration'
import type { Cluster, HostReport } from './monitor-report.ts'

/** A host in words. */
export interface DescribedHost {
  readonly host: string
  readonly role: HostReport['role']
  /** `primary, time line 2`; `standby, 12 ms behind, reads use 1 of 4`; `unreachable (ECONNREFUSED)`. */
  readonly words: string
}

/** Puts the hosts of a database into words, in their order; none for a database with one. */
export function describeHosts(cluster: Cluster | null | undefined): DescribedHost[] {
  const { hosts = [], replicas = [] } = cluster ?? {}
  return hosts.map(({ host, role, timeline, lagMs, code }) => {
    const isThere = role !== 'unreachable' && role !== 'unknown'
    const pool = replicas.find((replica) => replica.host === host)?.pool
    const words = [
      `${names[role]}${code === null ? '' : ` (${code})`}`,
      ...(isThere && timeline !== null ? [`time line ${timeline}`] : []),
      ...(lagMs === null ? [] : [`${formatDuration(lagMs)} behind`]),
      // That of the primary is not used: reads go there over the service's own.
      ...(role === 'standby' && pool ? [`reads use ${pool.checkedOut} of ${pool.total}`] : []),
    ].join(', ')
    return { host, role, words }
  })
}

const names: Readonly<Record<HostReport['role'], string>> = {
  primary: 'primary',
  'read-only': 'primary, read only',
  standby: 'standby',
  'old-primary': 'old primary, not used',
  unreachable: 'unreachable',
  unknown: 'not asked yet',
}
