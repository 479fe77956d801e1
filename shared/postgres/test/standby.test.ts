import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  followPrimary,
  type LocalPostgres,
  promoteStandby,
  startPostgres,
  startStandby,
  switchOver,
} from '../src/index.ts'
import { awaitReplay } from '../src/replication/progress.ts'
import { isAlive } from '../src/server/processes.ts'
import { eventually } from '../src/testing/index.ts'
import { ask, codeOf, rows } from './support/rows.ts'
import { scratchRoot } from './support/scratch-root.ts'

const settings = { fsync: 'off', wal_retrieve_retry_interval: '100ms' }

describe('startStandby', () => {
  let first: Awaited<ReturnType<typeof scratchRoot>>
  let second: Awaited<ReturnType<typeof scratchRoot>>
  beforeAll(async () => {
    first = await scratchRoot()
    second = await scratchRoot()
  })
  afterAll(async () => {
    await second[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
  }, 120_000)

  const startPrimary = (): Promise<LocalPostgres> =>
    startPostgres({ dataRoot: first.path, port: 0, settings })
  const notices: string[] = []
  const startCopy = (of: LocalPostgres): Promise<LocalPostgres> =>
    startStandby({ of, dataRoot: second.path, port: 0, settings, onNotice: (line) => notices.push(line) })

  test('goes on with the data that is there, on a primary that has another port now', async () => {
    let port: number
    {
      await using primary = await startPrimary()
      await using _standby = await startCopy(primary)
      await rows.make(primary.adminUrl)
      port = primary.port
    }
    await using holder = Bun.serve({ hostname: '127.0.0.1', port, fetch: () => new Response() })
    await using primary = await startPrimary()
    await using standby = await startCopy(primary)
    await rows.add(primary.adminUrl, 1)
    await awaitReplay(primary, standby)
    expect({
      moved: primary.port !== holder.port,
      rows: await rows.in(standby.adminUrl),
      notices,
    }).toEqual({ moved: true, rows: [1], notices: [] })
  }, 120_000)

  test('joins a standby that runs, which stops with its last user', async () => {
    await using primary = await startPrimary()
    const [one, two] = await Promise.all([startCopy(primary), startCopy(primary)])
    expect({
      same: one.pid === two.pid,
      started: [one, two].filter(({ startedHere }) => startedHere).length,
      releases: [await one.release(), await two.release()],
      alive: isAlive(one.pid),
    }).toEqual({ same: true, started: 1, releases: ['shared', 'stopped'], alive: false })
  }, 120_000)

  test('keeps the data of a primary, and refuses it', async () => {
    await using primary = await startPrimary()
    {
      await using standby = await startCopy(primary)
      await promoteStandby(standby)
      await promoteStandby(standby)
      await rows.add(standby.adminUrl, 2)
      expect(await codeOf(startCopy(primary))).toBe('NO_STANDBY')
    }
    expect(await codeOf(startCopy(primary))).toBe('NO_STANDBY')
    await using other = await startPostgres({ dataRoot: second.path, port: 0, settings })
    expect({
      rows: await rows.in(other.adminUrl),
      follows: await codeOf(followPrimary(other, primary)),
    }).toEqual({
      rows: [1, 2],
      follows: 'NO_STANDBY',
    })
  }, 120_000)

  test('copies a standby again that has what its primary never got, and says so', async () => {
    await using primary = await startPrimary()
    writeFileSync(join(second.path, 'data/standby.signal'), '')
    await using standby = await startCopy(primary)
    expect({ rows: await rows.in(standby.adminUrl), notices }).toEqual({
      rows: [1],
      notices: [`${second.path} cannot follow the primary any more: copying it again`],
    })
  }, 120_000)

  test('exchanges the roles back and forth, each time without a copy', async () => {
    await using primary = await startPrimary()
    await using standby = await startCopy(primary)
    await switchOver(primary, standby)
    await rows.add(standby.adminUrl, 3)
    await switchOver(standby, primary)
    await rows.add(primary.adminUrl, 4)
    await awaitReplay(primary, standby)
    expect({ rows: await rows.in(standby.adminUrl), notices: notices.length }).toEqual({
      rows: [1, 3, 4],
      notices: 1,
    })
  }, 120_000)

  test('leaves a primary running whose standby does not get what it writes', async () => {
    await using primary = await startPrimary()
    await using standby = await startCopy(primary)
    await ask(standby.adminUrl, `alter system set primary_conninfo = ''`)
    await ask(standby.adminUrl, 'select pg_reload_conf()')
    await eventually(
      async () => (await ask(standby.adminUrl, 'select from pg_stat_wal_receiver')) === undefined,
    )
    const code = await codeOf(switchOver(primary, standby, { timeoutMs: 200 }))
    await rows.add(primary.adminUrl, 5)
    expect({ code, rows: await rows.in(primary.adminUrl) }).toEqual({
      code: 'NOT_STREAMING',
      rows: [1, 3, 4, 5],
    })
  }, 120_000)

  test('refuses a primary that is a standby itself, or that is not set up for standbys', async () => {
    await using primary = await startPrimary()
    await using standby = await startCopy(primary)
    await using third = await scratchRoot()
    const ofStandby = await codeOf(startStandby({ of: standby, dataRoot: third.path, port: 0 }))
    await ask(primary.adminUrl, `alter system set wal_level = 'minimal'`)
    await ask(primary.adminUrl, 'alter system set max_wal_senders = 0')
    await primary.restart()
    expect([ofStandby, await codeOf(startStandby({ of: primary, dataRoot: third.path, port: 0 }))]).toEqual([
      'NO_PRIMARY',
      'NO_PRIMARY',
    ])
  }, 120_000)
})
