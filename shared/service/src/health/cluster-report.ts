import { hostName, type PoolStatus, type ReadCounters } from '@shared/database'
import type { HostReport } from '@shared/monitor'
import type { MonitoredContext } from '../context/context.ts'

/** What there is to say of a database with several hosts. */
export interface ClusterReport {
  /** In the order in which they are listed. */
  hosts: HostReport[]
  /** How often the primary has changed since the start. */
  failovers: number
  /** The pool of each host that reads may go to; empty where none do. */
  replicas: { host: string; pool: PoolStatus }[]
  /** Where reads that standbys may take have run, since the start. */
  reads: ReadCounters
}

/** Reads what is known of the hosts, from memory; null with one host, and before the first connection. */
export function readCluster({ database, monitor }: MonitoredContext): ClusterReport | null {
  const { hosts } = monitor.seen()
  if (hosts.length === 0) return null
  return {
    hosts,
    failovers: database.eventCounts()['failed-over'],
    replicas: database.replicas().map(({ host, pool }) => ({ host: hostName(host), pool })),
    reads: database.readCounts(),
  }
}
