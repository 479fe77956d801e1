import { type ClusterServer, eventually, startFaultProxy, type TestCluster } from '@shared/postgres/testing'
import postgres from 'postgres'
import { startWorld } from '../../../test/cluster/world.ts'
import { namePrimary, type PrimaryName } from './name.ts'
import type { Place } from './peers.ts'

/** What a scenario needs. */
export interface Needs {
  /** Whether a commit is answered only when the first standby shows it: then PostgreSQL itself loses nothing. */
  readonly isSynchronous: boolean
  readonly reads: 'primary' | 'standbys'
  /** Whether the primary has a name, which all of the peers connect to. */
  readonly isNamed?: boolean
}

/** What a run breaks: a cluster of its own, and a switch before it that leads to the primary. */
export interface World extends AsyncDisposable {
  readonly cluster: TestCluster
  readonly version: string
  /** The first standby: the one that takes over. */
  readonly next: ClusterServer
  /** The name of the primary, in a scenario that has one. */
  readonly name: PrimaryName | null
  /** The ways to it, for a scenario. */
  readonly place: Place
  /** Leads the switch to a server, and resets the connections to the one before. */
  lead(to: ClusterServer): void
  /** Resolves when the first standby takes writes. */
  promoted(): Promise<void>
  /** Ends every session of the peer on a server. */
  endSessions(server: ClusterServer): Promise<void>
  /** The ids of the writes that a server has. */
  writesOn(server: ClusterServer): Promise<number[]>
}

const pollMs = 10
const promotedWithinMs = 60_000

/** Starts what a scenario needs: a primary and two standbys. */
export async function createWorld({ isSynchronous, isNamed, reads }: Needs): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const { cluster, url, ask, ...world } = stack.use(await startWorld({ standbys: 2, isSynchronous }))
  await ask(cluster.primary, 'create index on writes (id)')
  await Promise.all(cluster.standbys.map((standby) => cluster.caughtUp(standby)))
  const [next, ...others] = cluster.standbys
  if (!next) throw new Error('The cluster has no standby.')
  const [{ version }] = (await ask(
    cluster.primary,
    `select current_setting('server_version') as version`,
  )) as [{ version: string }]
  const target = { host: cluster.primary.host, port: cluster.primary.port }
  const proxy = stack.use(await startFaultProxy({ target }))
  const name = isNamed ? stack.use(await namePrimary(cluster.servers)) : null
  const named = name?.url(world.appUrl)
  const watching = postgres(next.adminUrl, { max: 1, onnotice: () => {} })
  stack.defer(() => watching.end({ timeout: 0 }))
  await watching`select 1`
  const role = decodeURIComponent(new URL(world.appUrl).username)
  const owned = stack.move()
  return {
    cluster,
    version,
    next,
    name,
    place: {
      all: named ?? url,
      switched: named ?? proxy.url(world.appUrl),
      standbys: reads === 'standbys' ? [next, ...others].map((server) => server.url(world.appUrl)) : null,
    },
    lead({ host, port }) {
      Object.assign(target, { host, port })
      proxy.cut()
    },
    async promoted() {
      await eventually(
        async () => {
          const [row] = await watching<{ is: boolean }[]>`select not pg_is_in_recovery() as is`
          return row?.is === true
        },
        { timeoutMs: promotedWithinMs, intervalMs: pollMs },
      )
    },
    async endSessions(server) {
      await ask(server, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
    },
    writesOn: async (server) =>
      (await ask<{ id: number }>(server, 'select id from writes')).map(({ id }) => id),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
