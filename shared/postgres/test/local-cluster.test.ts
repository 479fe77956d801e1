import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  failOver,
  findLocalCluster,
  type LocalCluster,
  startLocalCluster,
  stopLocalCluster,
} from '../src/index.ts'
import { awaitReplay } from '../src/replication/progress.ts'
import { freezeFamily, isAlive } from '../src/server/processes.ts'
import { eventually } from '../src/testing/index.ts'
import { ask, codeOf, rows } from './support/rows.ts'
import { scratchRoot } from './support/scratch-root.ts'

const settings = { fsync: 'off', wal_retrieve_retry_interval: '100ms' }
const folderOf = ({ dataDirectory }: { dataDirectory: string }): string => basename(dirname(dataDirectory))

describe('a local cluster', () => {
  let root: Awaited<ReturnType<typeof scratchRoot>>
  let dataRoot: string
  beforeAll(async () => {
    root = await scratchRoot()
    dataRoot = root.path
  })
  afterAll(() => root[Symbol.asyncDispose](), 120_000)

  /** The servers, used until the end of the block as a running dev does. */
  async function use(standbys?: number): Promise<LocalCluster & AsyncDisposable> {
    const cluster = await startLocalCluster({ dataRoot, standbys, port: 0, settings })
    return { ...cluster, [Symbol.asyncDispose]: () => cluster.release() }
  }
  const notices: string[] = []
  const exchange = (kill = false) =>
    failOver({ dataRoot, kill, settings, onNotice: (line) => notices.push(line) })
  /** Where the servers that run are, and what they are. */
  async function running() {
    const { primary, standbys } = await findLocalCluster({ dataRoot })
    return { primary: primary && folderOf(primary), standbys: standbys.map(folderOf) }
  }

  test('has as many standbys as asked for, in folders beside the data of the first server', async () => {
    const first = basename(dataRoot)
    {
      await using cluster = await use(0)
      await rows.make(cluster.primary.adminUrl)
      expect(await running()).toEqual({ primary: first, standbys: [] })
      expect(await codeOf(exchange())).toBe('NO_STANDBY')
    }
    {
      await using _ = await use(2)
      expect(await running()).toEqual({ primary: first, standbys: ['server-2', 'server-3'] })
    }
    expect(await running()).toEqual({ primary: null, standbys: [] })
    await using _ = await use(1)
    expect(await running()).toEqual({ primary: first, standbys: ['server-2'] })
  }, 120_000)

  test('exchanges primary and standby under its users, and finds them so at the next start', async () => {
    const first = basename(dataRoot)
    {
      await using cluster = await use(2)
      const [standby, other] = cluster.standbys
      if (!standby || !other) throw new Error('two standbys were asked for')
      await rows.add(cluster.primary.adminUrl, 1)
      const ports = { primary: cluster.primary.port, standby: standby.port, other: other.port }
      expect(await exchange()).toEqual({ primary: ports.standby, standbys: [ports.primary, ports.other] })
      await rows.add(standby.adminUrl, 2)
      await awaitReplay(standby, cluster.primary)
      await awaitReplay(standby, other)
      expect({
        running: await running(),
        rows: await Promise.all([cluster.primary, other].map(({ adminUrl }) => rows.in(adminUrl))),
      }).toEqual({
        running: { primary: 'server-2', standbys: [first, 'server-3'] },
        rows: [
          [1, 2],
          [1, 2],
        ],
      })
    }
    // Users end as if nothing had happened: nobody is left who would need the servers.
    expect(await running()).toEqual({ primary: null, standbys: [] })
    await using again = await use()
    expect({ running: await running(), rows: await rows.in(again.primary.adminUrl) }).toEqual({
      running: { primary: 'server-2', standbys: [first, 'server-3'] },
      rows: [1, 2],
    })
  }, 120_000)

  test('survives the death of its primary, which comes back as a standby on its port', async () => {
    await using cluster = await use(2)
    const { primary, standbys } = cluster
    const [one, two] = standbys
    if (!one || !two) throw new Error('two standbys were asked for')
    // Only the other one gets the last row, and so it is the one to be promoted.
    await ask(one.adminUrl, `alter system set primary_conninfo = ''`)
    await ask(one.adminUrl, 'select pg_reload_conf()')
    await eventually(async () => (await ask(one.adminUrl, 'select from pg_stat_wal_receiver')) === undefined)
    await rows.add(primary.adminUrl, 3)
    await awaitReplay(primary, two)
    const { pid, port } = primary
    expect(await exchange(true)).toEqual({ primary: two.port, standbys: [port, one.port] })
    await rows.add(two.adminUrl, 4)
    await Promise.all([primary, one].map((server) => awaitReplay(two, server)))
    expect({
      alive: isAlive(pid),
      running: await running(),
      rows: await Promise.all([primary, one].map(({ adminUrl }) => rows.in(adminUrl))),
    }).toEqual({
      alive: false,
      running: { primary: 'server-3', standbys: [basename(dataRoot), 'server-2'] },
      rows: [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
    })
  }, 120_000)

  test('replaces a primary that answers nobody, and drops what only that one had', async () => {
    await using cluster = await use(1)
    const { primary, standbys } = cluster
    const [standby] = standbys
    if (!standby) throw new Error('a standby was asked for')
    await ask(standby.adminUrl, `alter system set primary_conninfo = ''`)
    await ask(standby.adminUrl, 'select pg_reload_conf()')
    await eventually(
      async () => (await ask(standby.adminUrl, 'select from pg_stat_wal_receiver')) === undefined,
    )
    await rows.add(primary.adminUrl, 5)
    await freezeFamily(primary.pid)
    await exchange()
    await awaitReplay(standby, primary)
    expect({ rows: await rows.in(primary.adminUrl), notices }).toEqual({
      rows: [1, 2, 3, 4],
      notices: [`${dirname(primary.dataDirectory)} cannot follow the primary any more: copying it again`],
    })
  }, 120_000)

  test('stays whole for a second user, who asked for no standby, when the first ends after an exchange', async () => {
    await using first = await use(1)
    await using second = await use(0)
    const before = await running()
    await exchange()
    await first.release()
    expect({ before, after: await running(), joined: second.standbys.length }).toEqual({
      before: { primary: expect.any(String), standbys: [expect.any(String)] },
      after: { primary: before.standbys[0] ?? '', standbys: [before.primary ?? ''] },
      joined: 1,
    })
  }, 120_000)

  test('that nobody uses any more runs on through a failover, until it is stopped as a whole', async () => {
    const { primary, standbys } = await startLocalCluster({ dataRoot, standbys: 2, port: 0, settings })
    for (const server of [primary, ...standbys]) await server.leave()
    for (const kill of [false, true]) await exchange(kill)
    expect([await stopLocalCluster({ dataRoot }), await stopLocalCluster({ dataRoot })]).toEqual([3, 0])
  }, 120_000)

  test('says what to do when its data leaves open which server is the primary', async () => {
    const signals = ['data', 'server-2/data', 'server-3/data'].map((data) =>
      join(dataRoot, data, 'standby.signal'),
    )
    for (const signal of signals) writeFileSync(signal, '')
    expect(await codeOf(use())).toBe('NO_PRIMARY')
    for (const signal of signals) rmSync(signal)
    expect([await codeOf(use()), await codeOf(findLocalCluster({ dataRoot }))]).toEqual([
      'SEVERAL_PRIMARIES',
      'SEVERAL_PRIMARIES',
    ])
    for (const folder of ['server-2', 'server-3'])
      renameSync(join(dataRoot, folder), join(dataRoot, `old-${folder}`))
    await using _ = await use()
    expect(await running()).toEqual({ primary: basename(dataRoot), standbys: [] })
  }, 120_000)
})
