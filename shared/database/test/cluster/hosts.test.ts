import { describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { type ClusterServer, eventually, type FaultProxy, startFaultProxy } from '@shared/postgres/testing'
import { type SQL, sql } from 'drizzle-orm'
import { type Database, findDatabaseError } from '../../src/index.ts'
import { startWorld } from './world.ts'

const bound = 120_000
const pool = { poolSize: 2, maxOverflow: 0 }

/** A primary and a standby, and URLs of the runtime role that name hosts in any order. */
async function startHosts() {
  const world = await startWorld({ standbys: 1 })
  const [primary, standby] = world.cluster.servers as [ClusterServer, ClusterServer]
  const url = (...hosts: { host: string; port: number }[]): string => {
    const { username, password, pathname } = new URL(world.appUrl)
    return `postgresql://${username}:${password}@${hosts.map(({ host, port }) => `${host}:${port}`).join()}${pathname}`
  }
  return { world, primary, standby, url, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

/** Settles when a connection of its own has come to the proxy and has gone. */
function comeAndGo({ host, port }: FaultProxy): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.end())
    socket.on('error', reject)
    socket.once('close', () => resolve()).resume()
  })
}

const rolesOf = (database: Database<Record<string, never>>) => database.hosts().map(({ role }) => role)

test(
  'a host whose connection is cut while it is asked is not called unreachable: a fresh one tells',
  async () => {
    await using hosts = await startHosts()
    const { world, primary, standby, url } = hosts
    await using proxy = await startFaultProxy({ target: primary })
    const database = world.open({
      url: url(proxy, standby),
      pool,
      // Nobody but the watch speaks.
      connection: { definitionsCheckMs: 0 },
    })
    await database.connect()
    await proxy.set({ delayMs: 20 })
    const seen = new Set<string>()
    for (let cuts = 0; cuts < 5; cuts++) {
      const asked = () => Math.max(...proxy.roundTripsEach)
      // More than a login takes: it is asked over this one.
      await eventually(() => asked() > 8)
      const before = asked()
      await eventually(() => asked() > before, { intervalMs: 1 })
      proxy.cut()
      await eventually(
        () => {
          seen.add(rolesOf(database).join())
          return proxy.connections > 0 && asked() > 8
        },
        { intervalMs: 1 },
      )
    }
    expect([...seen]).toEqual(['primary,standby'])
  },
  bound,
)

describe('a host that accepts and says nothing', () => {
  test(
    'keeps nothing of a database that is closed, wherever it stands in the URL',
    async () => {
      await using hosts = await startHosts()
      const { world, primary, standby, url } = hosts
      await using proxy = await startFaultProxy({ target: standby })
      await proxy.set('acceptThenMute')
      for (const named of [url(proxy, primary), url(primary, proxy)]) {
        const database = world.open({ url: named, pool })
        await database.connect()
        await eventually(() => proxy.connections > 0)
        await database.close()
        // What was ended here arrives there before what comes and goes later.
        for (let later = 0; later < 2; later++) await comeAndGo(proxy)
        expect(proxy.connections).toBe(0)
      }
    },
    bound,
  )

  test(
    'does not keep those waiting who prefer a standby and can have the primary',
    async () => {
      await using hosts = await startHosts()
      const { world, primary, standby, url } = hosts
      await using proxy = await startFaultProxy({ target: standby })
      await proxy.set('acceptThenMute')
      const database = world.open({
        url: url(primary, proxy),
        pool,
        connection: { targetSessionAttrs: 'prefer-standby', connectTimeoutMs: 60_000 },
      })
      await database.connect({ timeoutMs: 15_000 })
      expect(rolesOf(database)[0]).toBe('primary')
      await proxy.set('forward')
      await eventually(() => rolesOf(database)[1] === 'standby')
      database.invalidate()
      const [row] = (await database.db.execute(sql`select inet_server_port() as port`)) as unknown[]
      expect(row).toEqual({ port: standby.port })
    },
    bound,
  )

  test(
    'keeps no caller beyond its deadline who asks whether it is gone',
    async () => {
      await using hosts = await startHosts()
      const { world, primary, standby, url } = hosts
      // One connection: what is lost is the write's.
      const database = world.open({ url: url(primary, standby), pool: { poolSize: 1, maxOverflow: 0 } })
      await database.connect()
      await eventually(() => rolesOf(database)[0] === 'primary')
      const deadline = new AbortController()
      const admin = world.open({ name: 'admin', url: primary.adminUrl.replace(/[^/]*$/, 'test_db') })
      const unlock = Promise.withResolvers<void>()
      const isLocked = Promise.withResolvers<void>()
      const locked = admin.db.transaction(async (tx) => {
        await tx.execute(sql`lock table writes`)
        isLocked.resolve()
        await unlock.promise
      })
      await isLocked.promise
      const write = sql`insert into writes values (${1}, ${1})`
      const outcome = database
        .within({ signal: deadline.signal }, () => database.db.execute(write))
        .then(
          () => 'done',
          (error: unknown) => (findDatabaseError(error) as { outcome?: string } | null)?.outcome,
        )
      const backends = (that: SQL) =>
        admin.db.execute(
          sql`select pid from pg_stat_activity where application_name = 'cluster' and ${that}`,
        ) as unknown as Promise<{ pid: number }[]>
      const running = () => backends(sql`query like 'insert into writes%' and wait_event_type = 'Lock'`)
      await eventually(async () => (await running()).length > 0)
      // From the loss on the caller asks by the watch whether its server is gone, which nobody answers.
      const watches = await eventually(async () => {
        const found = await backends(sql`query like '%pg_walfile_name%'`)
        expect(found).not.toEqual([])
        return found
      })
      for (const { pid } of watches) process.kill(pid, 'SIGSTOP')
      try {
        for (const { pid } of await running())
          await admin.db.execute(sql`select pg_terminate_backend(${pid}::int)`)
        await eventually(() => database.eventCounts()['connection-lost'] > 0)
        const role = rolesOf(database)[0]
        deadline.abort()
        // The look at the host is still under way: no look that ends is what the caller has waited for.
        expect({ outcome: await outcome, role: rolesOf(database)[0] }).toEqual({
          outcome: 'rolled-back',
          role,
        })
      } finally {
        for (const { pid } of watches) process.kill(pid, 'SIGCONT')
      }
      unlock.resolve()
      await locked
    },
    bound,
  )
})

describe('several databases of one process', () => {
  test(
    'know their hosts also where one of them is not let in',
    async () => {
      await using hosts = await startHosts()
      const { world, primary, standby, url } = hosts
      const named = url(primary, standby)
      const stranger = world.open({ url: named.replace(new URL(world.appUrl).password, 'wrong'), pool })
      expect(await stranger.connect().catch((error: unknown) => findDatabaseError(error)?.code)).toBe(
        'CONNECT_FAILED',
      )
      const database = world.open({ url: named, pool })
      await database.connect()
      await eventually(() => rolesOf(database).join() === 'primary,standby')
    },
    bound,
  )

  test(
    'know a primary by what it is to each of them',
    async () => {
      await using hosts = await startHosts()
      const { world, primary, standby, url } = hosts
      const named = url(primary, standby)
      const reports = world.open({
        url: `${named}?options=${encodeURIComponent('-c default_transaction_read_only=on')}&target_session_attrs=any`,
        pool,
      })
      await reports.connect()
      await eventually(() => rolesOf(reports)[0] === 'read-only')
      const database = world.open({ url: named, pool })
      await database.connect()
      await eventually(() => rolesOf(database)[1] === 'standby')
      expect([rolesOf(reports)[0], rolesOf(database)[0]]).toEqual(['read-only', 'primary'])
    },
    bound,
  )
})

describe('of two that say they are the primary', () => {
  test(
    'a promotion that a session is told of is one failover, to the new time line, also while the old primary lives',
    async () => {
      await using hosts = await startHosts()
      const { world, standby, primary, url } = hosts
      const named = url(primary, standby)
      const failovers: (string | undefined)[] = []
      const database = world.open({
        url: named,
        pool,
        onEvent: ({ type, detail }) => type === 'failed-over' && failovers.push(detail ?? undefined),
      })
      await database.connect()
      const reader = world.open({ url: named, pool, connection: { targetSessionAttrs: 'standby' } })
      await reader.connect()
      await eventually(() => rolesOf(database).join() === 'primary,standby')
      let isOver = false
      const reads = (async () => {
        while (!isOver) await reader.db.execute(sql`select pg_sleep(0.001)`).catch(() => {})
      })()
      await world.cluster.promote(standby)
      await eventually(() => rolesOf(database).join() === 'old-primary,primary')
      isOver = true
      await reader.close({ timeoutMs: 0 })
      await reads
      const [before, after] = [primary, standby].map(({ host, port }) => `${host}:${port}`)
      expect(failovers).toEqual([`the primary is ${after} on time line 2, before ${before} on 1`])
    },
    bound,
  )

  test(
    'on one time line the first that said so stays it, for the pool and beside it',
    async () => {
      await using world = await startWorld({ standbys: 2 })
      const { cluster } = world
      const [first, second, third] = cluster.servers as [ClusterServer, ClusterServer, ClusterServer]
      const database = world.open({ pool })
      await database.connect()
      await eventually(() => rolesOf(database).join() === 'primary,standby,standby')
      await first.kill()
      await cluster.promote(third)
      await eventually(() => rolesOf(database)[2] === 'primary')
      await cluster.promote(second)
      await eventually(() => rolesOf(database).join() === 'unreachable,primary,primary')
      database.invalidate()
      const beside = new Set<string>()
      for (let question = 0; question < 5; question++)
        beside.add(await database.observe(async ({ host, pid }) => `${host.port} ${pid}`))
      const [row] = (await database.db.execute(sql`select inet_server_port() as port`)) as unknown[]
      expect({ row, beside: [...beside].map((one) => one.split(' ')[0]) }).toEqual({
        row: { port: third.port },
        beside: [String(third.port)],
      })
    },
    bound,
  )
})
