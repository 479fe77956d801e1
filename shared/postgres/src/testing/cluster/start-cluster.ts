import { openSession } from '../../admin-connection.ts'
import { provision } from '../../provision/provision.ts'
import { awaitReplay } from '../../replication/progress.ts'
import { isStandbyData } from '../../replication/standby-data.ts'
import { copyOver, followPrimary, startStandby } from '../../replication/start-standby.ts'
import { promoteStandby, switchOver } from '../../replication/switch-over.ts'
import type { LocalPostgres } from '../../server/handle.ts'
import { startPostgres } from '../../server/local-postgres.ts'
import { eventually } from '../eventually.ts'
import { lastingPort } from '../lasting-port.ts'
import { disposeAtEnd, privateDataRoot } from '../private-servers.ts'
import { servicesOf, type TestDatabaseUrls, urlsOf } from '../test-roles.ts'
import { clusterSettings } from '../test-settings.ts'
import { type ClusterServer, type OwnedServer, ownServer } from './cluster-server.ts'

/** A primary and its standbys, of one test's own. */
export interface TestCluster extends AsyncDisposable {
  /** Every server, in the order of their start, whatever it is now. */
  readonly servers: readonly ClusterServer[]
  /** The server that was promoted last; at first the first one. */
  readonly primary: ClusterServer
  /** The servers that are standbys, running or not. An old primary is one again after {@link TestCluster.rejoin}. */
  readonly standbys: readonly ClusterServer[]
  /** Makes a service's database and roles on the primary; resolves when every running standby has them. */
  database(service?: string, options?: { connectionLimit?: number }): Promise<TestDatabaseUrls>
  /** Makes a standby the primary. The old one is left as it is, and may go on as a second primary; so are the others. */
  promote(standby: ClusterServer): Promise<void>
  /** Lets a standby follow another primary (default: the present one). Throws `NOT_STREAMING` where it is ahead of that. */
  follow(standby: ClusterServer, primary?: ClusterServer): Promise<void>
  /** Makes any server a standby of the present primary, by copying that again: what only it had is lost. */
  rejoin(server: ClusterServer): Promise<void>
  /** Makes a standby the primary and the primary its standby, without losing anything; the others follow. */
  switchover(to: ClusterServer): Promise<void>
  /** Lets a standby replay what it gets only so much later; 0: at once. */
  setLag(standby: ClusterServer, ms: number): Promise<void>
  /** Lets a standby replay nothing; it still gets everything. */
  pauseReplay(standby: ClusterServer): Promise<void>
  resumeReplay(standby: ClusterServer): Promise<void>
  /** Resolves when the standby has replayed all that is on the primary by now. */
  caughtUp(standby: ClusterServer): Promise<void>
  /** Stops every server, in whatever state it is, and removes its data. Idempotent; the end of the run does it too. */
  stop(): Promise<void>
}

/**
 * Starts a primary and hot standbys that stream from it, in some two seconds; resolves when the standbys have caught up.
 *
 * @param options.standbys How many. Default 1.
 * @param options.settings Of all servers, on top of those that make tests fast. They cannot be changed by ALTER SYSTEM.
 */
export async function startCluster(
  options: { standbys?: number; settings?: Readonly<Record<string, string>> } = {},
): Promise<TestCluster> {
  const settings = { ...clusterSettings, ...options.settings }
  const first = await start((place) => startPostgres({ ...place, settings }))
  const standbys = Array.from({ length: options.standbys ?? 1 }, () =>
    start((place) => startStandby({ of: first.local, ...place, settings })),
  )
  const results = await Promise.allSettled(standbys)
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const cluster = createCluster([first, ...started])
  try {
    await Promise.all(standbys)
    await Promise.all(cluster.standbys.map(cluster.caughtUp))
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

async function start(
  starting: (place: { dataRoot: string; port: number }) => Promise<LocalPostgres>,
): Promise<OwnedServer> {
  const dataRoot = await privateDataRoot()
  // Each is started again on its own.
  return ownServer(await starting({ dataRoot, port: await lastingPort() }), dataRoot)
}

function createCluster(owned: readonly [OwnedServer, ...OwnedServer[]]): TestCluster {
  const servers = owned.map(({ server }) => server)
  let primary = owned[0].server
  let stopped: Promise<void> | null = null

  const localOf = (server: ClusterServer): LocalPostgres => {
    const found = owned.find((entry) => entry.server === server)
    if (found === undefined) throw new TypeError(`${server.name} is no server of this cluster`)
    return found.local
  }
  const standbys = (): ClusterServer[] =>
    servers.filter((server) => server !== primary && isStandbyData(server.dataDirectory))
  const caughtUp = (standby: ClusterServer): Promise<void> => awaitReplay(primary, standby)
  const follow = (standby: ClusterServer, of = primary): Promise<void> => followPrimary(standby, of)
  const stop = async (): Promise<void> => {
    forget()
    await Promise.all(owned.map((server) => server.dispose()))
  }

  const cluster: TestCluster = {
    servers,
    get primary() {
      return primary
    },
    get standbys() {
      return standbys()
    },
    async database(service = 'test', { connectionLimit } = {}) {
      const { adminUrl } = primary
      const roles = servicesOf(adminUrl, service, `${service}_db`, connectionLimit)
      await provision({ adminUrl, services: [roles], adopt: true, closeSharedDatabases: true })
      await Promise.all(
        standbys()
          .filter(({ running }) => running)
          .map(caughtUp),
      )
      return urlsOf(adminUrl, roles)
    },
    async promote(standby) {
      await promoteStandby(standby)
      primary = standby
    },
    follow,
    async rejoin(server) {
      await localOf(server).restart({ mode: 'immediate', whileStopped: () => copyOver(server, primary) })
      await follow(server)
      await caughtUp(server)
    },
    async switchover(to) {
      const followers = standbys().filter((server) => server !== to && server.running)
      await switchOver(localOf(primary), localOf(to), { followers: followers.map(localOf) })
      primary = to
    },
    async setLag(standby, ms) {
      const value = `${ms}ms`
      await using session = await openSession(standby.adminUrl)
      await session.sql.unsafe(`alter system set recovery_min_apply_delay = '${value}'`)
      await session.sql`select pg_reload_conf()`
      await eventually(async () => {
        const [row] = await session.sql<{ ms: string }[]>`
          select setting || unit as ms from pg_settings where name = 'recovery_min_apply_delay'`
        return row?.ms === value
      })
    },
    async pauseReplay(standby) {
      await using session = await openSession(standby.adminUrl)
      await session.sql`select pg_wal_replay_pause()`
      // Until then a record may still be replayed.
      await eventually(async () => {
        const [row] = await session.sql<{ state: string }[]>`select pg_get_wal_replay_pause_state() as state`
        return row?.state === 'paused'
      })
    },
    async resumeReplay(standby) {
      await using session = await openSession(standby.adminUrl)
      await session.sql`select pg_wal_replay_resume()`
    },
    caughtUp,
    stop() {
      stopped ??= stop()
      return stopped
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
  const forget = disposeAtEnd(cluster)
  return cluster
}
