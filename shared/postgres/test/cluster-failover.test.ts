import { describe, expect, test } from 'bun:test'
import { openSession } from '../src/admin-connection.ts'
import { childrenOf, isAlive } from '../src/server/processes.ts'
import { eventually, startCluster } from '../src/testing/index.ts'
import { at, isStandby, receives } from './support/members.ts'
import { ask, codeOf, rows, timelineOf } from './support/rows.ts'

describe('a switchover', () => {
  test('loses nothing that was committed, and every server follows the new primary', async () => {
    await using cluster = await startCluster({ standbys: 2 })
    const { ownerUrl: url } = await cluster.database()
    await rows.make(url)
    const [old, next, other] = [0, 1, 2].map((index) => at(cluster.servers, index))
    if (!old || !next || !other) throw new Error('three servers were started')
    await cluster.setLag(next, 3_600_000)

    const committed: number[] = []
    const writing = (async () => {
      await using session = await openSession(url)
      for (let n = 0; ; n++) {
        await session.run(`insert into rows values (${n})`)
        committed.push(n)
      }
    })()
    const ended = codeOf(writing)
    await eventually(() => committed.length > 50)
    await cluster.switchover(next)
    await ended

    expect({
      primary: cluster.primary.name,
      standbys: cluster.standbys.map(({ name }) => name),
      recovery: await Promise.all(cluster.servers.map(isStandby)),
      from: await Promise.all([old, other].map(receives)),
      timeline: await timelineOf(next.adminUrl),
    }).toEqual({
      primary: next.name,
      standbys: [old.name, other.name],
      recovery: [true, false, true],
      from: [next.port, next.port],
      timeline: 2,
    })
    const there = await rows.in(next.url(url))
    expect(there).toEqual(expect.arrayContaining(committed))

    await rows.add(next.url(url), -1)
    await Promise.all(cluster.standbys.map(cluster.caughtUp))
    for (const server of [old, other]) expect(await rows.in(server.url(url))).toContain(-1)
  }, 120_000)

  test('that the standby cannot complete leaves the primary as it was', async () => {
    await using cluster = await startCluster()
    const { ownerUrl: url } = await cluster.database()
    await rows.make(url)
    const standby = at(cluster.standbys, 0)
    await standby.stop()
    expect(await codeOf(cluster.switchover(standby))).toBe('ECONNREFUSED')
    await rows.add(url, 1)
    expect({ rows: await rows.in(url), primary: cluster.primary === cluster.servers[0] }).toEqual({
      rows: [1],
      primary: true,
    })
  }, 120_000)
})

describe('a primary that was killed', () => {
  test('is replaced by a standby with all that this had replayed, on a new timeline', async () => {
    await using cluster = await startCluster({ standbys: 2 })
    const { ownerUrl: url } = await cluster.database()
    await rows.make(url)
    const old = cluster.primary
    const [next, other] = [at(cluster.standbys, 0), at(cluster.standbys, 1)]
    for (const n of [1, 2, 3]) await rows.add(url, n)
    await Promise.all([next, other].map(cluster.caughtUp))

    await using session = await openSession(url)
    // A backend that computes would not notice the end of its postmaster for long.
    const [backend] = await session.sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    const computing = codeOf(session.run('select count(*) from generate_series(1, 10000000000)'))
    const busy = `select from pg_stat_activity where pid = ${backend?.pid} and state = 'active'`
    await eventually(async () => (await ask(old.adminUrl, busy)) !== undefined)
    const processes = [old.pid, ...childrenOf(old.pid)]
    await old.kill()
    await computing
    expect(processes.filter(isAlive)).toEqual([])
    await cluster.promote(next)
    await cluster.follow(other)
    await rows.add(next.url(url), 4)
    await cluster.caughtUp(other)
    expect({
      rows: await Promise.all([next, other].map((server) => rows.in(server.url(url)))),
      timeline: await timelineOf(next.adminUrl),
      standbys: cluster.standbys.map(({ name }) => name),
    }).toEqual({
      rows: [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
      timeline: 2,
      standbys: [other.name],
    })

    // It comes back as what it was, with a row that nobody else has, and loses it when it is made a standby.
    await old.start()
    await rows.add(url, 99)
    expect({ follow: await codeOf(cluster.follow(old)), rows: await rows.in(url) }).toEqual({
      follow: 'NO_STANDBY',
      rows: [1, 2, 3, 99],
    })
    await cluster.rejoin(old)
    expect({
      rows: await rows.in(old.url(url)),
      standby: await isStandby(old),
      from: await receives(old),
      standbys: cluster.standbys.map(({ name }) => name),
    }).toEqual({
      rows: [1, 2, 3, 4],
      standby: true,
      from: next.port,
      standbys: [old.name, other.name],
    })
  }, 120_000)

  test('leaves a standby that is ahead of the new primary, which cannot follow that until it is copied', async () => {
    await using cluster = await startCluster({ standbys: 2 })
    const { ownerUrl: url } = await cluster.database()
    await rows.make(url)
    const [behind, ahead] = [at(cluster.standbys, 0), at(cluster.standbys, 1)]
    await cluster.caughtUp(behind)
    await behind.freeze()
    await rows.add(url, 1)
    await cluster.caughtUp(ahead)
    await cluster.primary.kill()
    await behind.kill()
    await behind.start()
    await cluster.promote(behind)
    expect(await codeOf(cluster.follow(ahead))).toBe('NOT_STREAMING')
    await cluster.rejoin(ahead)
    expect(await rows.in(ahead.url(url))).toEqual([])
  }, 120_000)
})
