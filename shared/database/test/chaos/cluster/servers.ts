import { type ClusterServer, startCluster, type TestCluster } from '@shared/postgres/testing'
import postgres from 'postgres'
import { role } from '../stage.ts'
import type { ActAnswer, ActRequest, ClusterAct, ServerAct } from './control.ts'
import type { ClusterPlan } from './plan.ts'

/** The servers of one world, in the hands of the process that outlives it. */
export interface WorldCluster extends AsyncDisposable {
  readonly servers: readonly ClusterServer[]
  answer(request: ActRequest): Promise<ActAnswer>
}

const settings = { max_connections: '300' }

/** Starts the servers, with the world's role and database; disposing stops them in whatever state they are. */
export async function startServers(plan: ClusterPlan, database: string): Promise<WorldCluster> {
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster({ standbys: plan.standbys, settings }))
  await asAdmin(cluster.primary, async (sql) => {
    await sql.unsafe(`set scram_iterations = 1; create role ${role.name} login password '${role.password}'`)
    await sql.unsafe(`create database ${database}`)
  })
  if (plan.isSynchronous)
    for (const server of cluster.servers)
      await asAdmin(server, async (sql) => {
        await sql.unsafe('alter system set synchronous_commit = remote_apply')
        await sql.unsafe(`alter system set synchronous_standby_names = 'ANY 1 (*)'`)
        await sql.unsafe('select pg_reload_conf()')
      })
  await Promise.all(cluster.standbys.map(cluster.caughtUp))
  const owned = stack.move()
  return {
    servers: cluster.servers,
    async answer({ id, act }) {
      const error = await perform(cluster, act).then(() => null, String)
      return { type: 'acted', id, primary: cluster.servers.indexOf(cluster.primary), error }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function perform(cluster: TestCluster, act: ServerAct | ClusterAct): Promise<void> {
  switch (act.do) {
    case 'promote':
      return await promote(cluster)
    case 'switchover':
      return await cluster.switchover(await mostAdvanced(cluster))
    case 'heal':
      return await heal(cluster)
    default:
      return await performOn(cluster, act)
  }
}

async function performOn(cluster: TestCluster, act: ServerAct): Promise<void> {
  const server = cluster.servers[act.server]
  if (!server) throw new RangeError(`There is no server ${act.server}.`)
  switch (act.do) {
    case 'kill':
      return await server.kill()
    case 'freeze':
      return await server.freeze()
    case 'thaw':
      return server.thaw()
    case 'stop':
      return await server.stop('fast')
    case 'crash':
      return await server.stop('immediate')
    case 'start':
      return await server.start()
    case 'pause-replay':
      return await cluster.pauseReplay(server)
    case 'resume-replay':
      return await cluster.resumeReplay(server)
    case 'set-lag':
      return await cluster.setLag(server, act.ms)
    case 'rejoin':
      return await cluster.rejoin(server)
  }
}

async function promote(cluster: TestCluster): Promise<void> {
  const next = await mostAdvanced(cluster)
  const others = cluster.standbys.filter((server) => server !== next)
  await cluster.promote(next)
  for (const other of others) await cluster.follow(other)
}

/** What was answered is on one standby at least: on the one that has got the most. */
async function mostAdvanced(cluster: TestCluster): Promise<ClusterServer> {
  let best: { server: ClusterServer; position: bigint } | null = null
  for (const server of cluster.standbys) {
    const position = await asAdmin(server, async (sql) => {
      const [row] = await sql<{ position: string }[]>`
        select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0' as position`
      return BigInt(row?.position ?? 0)
    })
    if (!best || position > best.position) best = { server, position }
  }
  if (!best) throw new Error('There is no standby.')
  return best.server
}

async function heal(cluster: TestCluster): Promise<void> {
  for (const server of cluster.servers) if (server.running) server.thaw()
  for (const server of cluster.servers) await server.start()
  for (const server of cluster.servers) {
    if (server === cluster.primary) continue
    if (!cluster.standbys.includes(server)) await cluster.rejoin(server)
    await cluster.setLag(server, 0)
    await cluster.resumeReplay(server)
    await cluster.follow(server).catch(() => cluster.rejoin(server))
    await cluster.caughtUp(server)
  }
}

async function asAdmin<T>(server: ClusterServer, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(server.adminUrl, { max: 1, onnotice: () => {}, connect_timeout: 5 })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
