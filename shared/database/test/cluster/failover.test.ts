import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { channels, describeHost, type FailoverMessage, hostName } from '../../src/index.ts'
import { audit, startLoad, startWorld } from './world.ts'

const bound = 120_000
const pool = { poolSize: 10, maxOverflow: 0 }
const rowsText = 'select id from writes'
const until = (isTrue: () => boolean) => eventually(async () => isTrue())

describe('when the primary changes', () => {
  test(
    'by a switchover in order, no statement fails, and every write is done once',
    async () => {
      await using world = await startWorld({ standbys: 2 })
      const { cluster } = world
      const database = world.open({ pool })
      const from = cluster.primary
      const published: FailoverMessage[] = []
      const onFailover = (message: unknown) => void published.push(message as FailoverMessage)
      channels.failover.subscribe(onFailover)
      const load = startLoad(database)
      await until(() => load.tally.written.size > 200)
      const [to] = cluster.standbys
      if (!to) throw new Error('no standby')
      await cluster.switchover(to)
      const before = load.tally.written.size
      await until(() => load.tally.written.size > before + 200)
      await load.stop()
      const rows = await world.ask<{ id: number }>(to, rowsText)
      expect({ failures: load.tally.failures, ...audit(load.tally, rows) }).toEqual({
        failures: {},
        lost: 0,
        twice: 0,
        invented: 0,
      })
      expect(database.eventCounts()['failed-over']).toBe(1)
      channels.failover.unsubscribe(onFailover)
      const { before: primary, ...message } = published.find(
        ({ pool }) => pool === database.name,
      ) as FailoverMessage
      expect({ ports: [primary.port, message.port], isLater: message.timeline > primary.timeline }).toEqual({
        ports: [from.port, to.port],
        isLater: true,
      })
    },
    bound,
  )

  test(
    'by a switchover in order, database.transaction() repeats its callback',
    async () => {
      await using world = await startWorld({ standbys: 1 })
      const { cluster } = world
      const database = world.open({ pool })
      const load = startLoad(database, { isTransactional: true })
      await until(() => load.tally.written.size > 200)
      const [to] = cluster.standbys
      if (!to) throw new Error('no standby')
      await cluster.switchover(to)
      const before = load.tally.written.size
      await until(() => load.tally.written.size > before + 200)
      await load.stop()
      const rows = await world.ask<{ id: number }>(to, rowsText)
      // A COMMIT that the server did not answer any more is the one that nobody can tell.
      const { 'write CONNECTION_LOST unknown': unanswered = 0, ...failures } = load.tally.failures
      expect({ failures, ...audit(load.tally, rows) }).toEqual({
        failures: {},
        lost: 0,
        twice: 0,
        invented: 0,
      })
      expect(unanswered).toBe(load.tally.unknown.size)
    },
    bound,
  )

  test(
    'by the death of the old one, only what was in flight fails, and nothing is lost or done twice',
    async () => {
      await using world = await startWorld({ standbys: 2, isSynchronous: true })
      const { cluster } = world
      const database = world.open({ pool, connection: { retryReads: true } })
      const load = startLoad(database)
      await until(() => load.tally.written.size > 200)
      const [to] = cluster.standbys
      if (!to) throw new Error('no standby')
      await cluster.primary.kill()
      await eventually(async () => database.hosts()[0]?.role === 'unreachable')
      await cluster.promote(to)
      const before = load.tally.written.size
      await until(() => load.tally.written.size > before + 200)
      await load.stop()
      const rows = await world.ask<{ id: number }>(to, rowsText)
      const { 'write CONNECTION_LOST unknown': inFlight = 0, ...failures } = load.tally.failures
      expect({ failures, ...audit(load.tally, rows) }).toEqual({
        failures: {},
        lost: 0,
        twice: 0,
        invented: 0,
      })
      expect(inFlight).toBeLessThanOrEqual(10)
      // A host that a busy machine lets answer too late is unreachable until the next look.
      await eventually(() => {
        expect(database.hosts().map(({ host, role }) => [hostName(host), role])).toEqual([
          [`${cluster.servers[0]?.host}:${cluster.servers[0]?.port}`, 'unreachable'],
          [`${to.host}:${to.port}`, 'primary'],
          [`${cluster.servers[2]?.host}:${cluster.servers[2]?.port}`, 'standby'],
        ])
      })
    },
    bound,
  )

  test(
    'while the old one is frozen, its statements are given up, and when it wakes up it is not used',
    async () => {
      await using world = await startWorld({ standbys: 1, isSynchronous: true })
      const { cluster } = world
      const database = world.open({ pool, connection: { retryReads: true } })
      const load = startLoad(database)
      await until(() => load.tally.written.size > 200)
      const old = cluster.primary
      const [to] = cluster.standbys
      if (!to) throw new Error('no standby')
      await old.freeze()
      await cluster.promote(to)
      const before = load.tally.written.size
      await until(() => load.tally.written.size > before + 200)
      old.thaw()
      await until(() => database.hosts()[0]?.role === 'old-primary')
      const after = load.tally.written.size
      await until(() => load.tally.written.size > after + 200)
      await load.stop()
      const rows = await world.ask<{ id: number }>(to, rowsText)
      const { 'write CONNECTION_LOST unknown': inFlight = 0, ...failures } = load.tally.failures
      expect({ failures, ...audit(load.tally, rows) }).toEqual({
        failures: {},
        lost: 0,
        twice: 0,
        invented: 0,
      })
      expect(inFlight).toBeLessThanOrEqual(10)
      const [state] = database.hosts()
      expect(state && describeHost(state)).toContain('old-primary')
    },
    bound,
  )
})

test(
  'a write that a server refuses because it takes none any more waits for one that does',
  async () => {
    await using world = await startWorld({ standbys: 1 })
    const { cluster } = world
    const database = world.open({ pool: { poolSize: 2, maxOverflow: 0 } })
    await database.db.execute(sql`insert into writes values (1, 1)`)
    await world.ask(cluster.primary, 'alter system set default_transaction_read_only = on')
    await world.ask(cluster.primary, 'select pg_reload_conf()')
    await eventually(async () => database.hosts()[0]?.role === 'read-only')
    const write = database.db.execute(sql`insert into writes values (2, 1)`)
    const transaction = database.transaction((tx) => tx.execute(sql`insert into writes values (3, 1)`))
    await until(() => database.status().waiting > 0)
    await world.ask(cluster.primary, 'alter system reset default_transaction_read_only')
    await world.ask(cluster.primary, 'select pg_reload_conf()')
    await Promise.all([write, transaction])
    expect(await world.ask<{ id: number }>(cluster.primary, 'select id from writes order by id')).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ])
  },
  bound,
)
