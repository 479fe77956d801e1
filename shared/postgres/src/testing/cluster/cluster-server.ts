import { rmSync } from 'node:fs'
import { type Member, placeOf } from '../../replication/member.ts'
import { standbyName } from '../../replication/standby-data.ts'
import type { LocalPostgres } from '../../server/handle.ts'
import { freezeFamily, isAlive, killFamily, thawFamily } from '../../server/processes.ts'

/** A server of a test's cluster, whatever it is at the moment: primary, standby, stopped, dead. */
export interface ClusterServer extends Member {
  /** What the primary calls it in `pg_stat_replication`, while it is a standby. */
  readonly name: string
  /** The postmaster's process id; another one after each start. */
  readonly pid: number
  readonly logFile: string
  readonly running: boolean
  /** The same URL on this server: databases and roles are those of the primary. */
  url(urlOfAnother: string): string
  /** Kills the postmaster and all of its backends at once; resolves when they are gone. */
  kill(): Promise<void>
  /** Stops all of its processes where they are: connections stay open, and nothing is answered. */
  freeze(): Promise<void>
  thaw(): void
  /** `fast` (the default) ends sessions and, on a primary, sends the standbys everything; `immediate` is a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** Starts it as what it was, on the same port. An old primary thus comes back as one, beside the new one. */
  start(): Promise<void>
}

/** A {@link ClusterServer} with what only the cluster needs of it. */
export interface OwnedServer {
  readonly server: ClusterServer
  readonly local: LocalPostgres
  dispose(): Promise<void>
}

/** Puts a started server in a test's hands. */
export function ownServer(local: LocalPostgres, dataRoot: string): OwnedServer {
  const server: ClusterServer = {
    name: standbyName(placeOf(local)),
    host: local.host,
    port: local.port,
    dataDirectory: local.dataDirectory,
    logFile: local.logFile,
    get adminUrl() {
      return local.adminUrl
    },
    get pid() {
      return local.pid
    },
    get running() {
      return isAlive(local.pid)
    },
    url(urlOfAnother) {
      const url = new URL(urlOfAnother)
      url.hostname = local.host
      url.port = String(local.port)
      return url.href
    },
    kill: () => killFamily(local.pid),
    freeze: () => freezeFamily(local.pid),
    thaw: () => thawFamily(local.pid),
    stop: (mode = 'fast') => local.stop({ mode }),
    async start() {
      if (!isAlive(local.pid)) await local.restart()
    },
  }
  return {
    server,
    local,
    async dispose() {
      await local.stop({ mode: 'immediate' })
      await local.release()
      rmSync(dataRoot, { recursive: true, force: true })
    },
  }
}
