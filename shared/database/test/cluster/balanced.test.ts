import { expect, test } from 'bun:test'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type ClusterServer, eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { firstRow } from '../support.ts'
import { startWorld } from './world.ts'

/** One address for several servers: each connection is led to the one that it is pointed to then. */
async function startBalancer(first: ClusterServer) {
  const sockets = new Set<Socket>()
  const balancer = { target: first, port: 0, accepted: 0 }
  const server = createServer((client) => {
    balancer.accepted++
    const { host, port } = balancer.target
    const upstream = connect({ host, port })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  balancer.port = (server.address() as AddressInfo).port
  return Object.assign(balancer, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

test('behind one name for several standbys a context reads its own writes from whichever it is led to', async () => {
  await using world = await startWorld({ standbys: 2 })
  const { cluster, appUrl } = world
  const [near, far] = cluster.standbys as [ClusterServer, ClusterServer]
  await using balancer = await startBalancer(near)
  const url = new URL(appUrl)
  url.port = String(balancer.port)
  const database = world.open({
    url: appUrl,
    pool: { poolSize: 2, maxOverflow: 0 },
    replicas: { url: url.href },
  })
  await database.connect()
  // The watch looks at the near one from now on, all others are led to the far one.
  await eventually(() => database.hosts().some(({ lagMs }) => lagMs !== null))
  balancer.target = far
  await cluster.pauseReplay(far)
  const found = await database.within({}, async () => {
    await database.db.execute(sql`insert into writes values (1, 1)`)
    await cluster.caughtUp(near)
    const written = database.hosts()
    await eventually(() => database.hosts().every((host, index) => host !== written[index]))
    await eventually(() => database.hosts().some(({ role, lagMs }) => role === 'standby' && lagMs === 0))
    const { accepted } = balancer
    const row = await firstRow<{ n: number }>(
      database.reads.execute(sql`select count(*)::int as n from writes`),
    )
    return { ...row, isLedToFar: balancer.accepted > accepted, counts: database.readCounts() }
  })
  expect(found).toEqual({
    n: 1,
    isLedToFar: true,
    counts: { standby: 0, primary: 0, behind: 1, failed: 0 },
  })
}, 120_000)
