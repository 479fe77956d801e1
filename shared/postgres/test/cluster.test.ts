import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openSession, withUrl } from '../src/admin-connection.ts'
import { replicationRole } from '../src/replication/allow-standbys.ts'
import { readLeftState } from '../src/server/control-file.ts'
import { childrenOf, isAlive } from '../src/server/processes.ts'
import { type ClusterServer, eventually, startCluster, type TestCluster } from '../src/testing/index.ts'
import { sweepPrivateServers } from '../src/testing/private-servers.ts'
import { testDataRoot } from '../src/testing/test-settings.ts'
import { at, isStandby } from './support/members.ts'
import { ask, codeOf, rows } from './support/rows.ts'

describe('a cluster', () => {
  let cluster: TestCluster
  let url: string
  let standby: ClusterServer
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 2 })
    const { ownerUrl } = await cluster.database('auth')
    url = ownerUrl
    standby = at(cluster.standbys, 0)
    await rows.make(url)
  }, 120_000)
  afterAll(() => cluster.stop(), 120_000)

  test('shows a row of the primary on each standby, to the logins of the primary', async () => {
    await rows.add(url, 1)
    await Promise.all(cluster.standbys.map(cluster.caughtUp))
    expect({
      servers: await Promise.all(cluster.servers.map(isStandby)),
      rows: await Promise.all(cluster.servers.map((server) => rows.in(server.url(url)))),
    }).toEqual({ servers: [false, true, true], rows: [[1], [1], [1]] })
  })

  test('can be made synchronous by the names of its standbys', async () => {
    const { adminUrl } = cluster.primary
    await ask(adminUrl, `alter system set synchronous_standby_names = ${standby.name}`)
    await ask(adminUrl, 'alter system set synchronous_commit = remote_apply')
    await ask(adminUrl, 'select pg_reload_conf()')
    const state = `select sync_state as state from pg_stat_replication where application_name = '${standby.name}'`
    await eventually(async () => (await ask(adminUrl, state))?.state === 'sync')
    await rows.add(url, 2)
    expect(await rows.in(standby.url(url))).toEqual([1, 2])
    for (const name of ['synchronous_standby_names', 'synchronous_commit'])
      await ask(adminUrl, `alter system reset ${name}`)
    await ask(adminUrl, 'select pg_reload_conf()')
    await ask(url, 'delete from rows where n = 2')
  })

  test('takes no writes on a standby', async () => {
    expect({
      standby: await codeOf(rows.add(standby.url(url), 3)),
      rows: await rows.in(url),
    }).toEqual({ standby: '25006', rows: [1] })
  })

  test('replicates by a role that may do nothing else, and by nobody else', async () => {
    const { adminUrl, dataDirectory } = cluster.primary
    const rules = await ask(
      adminUrl,
      `select json_agg(array[user_name[1], auth_method] order by rule_number) as all from pg_hba_file_rules
       where 'replication' = any (database) or '${replicationRole}' = any (user_name)`,
    )
    const passFile = readFileSync(join(dirname(dataDirectory), 'replication.pgpass'), 'utf8')
    const login = { name: replicationRole, password: passFile.trim().split(':').at(-1) ?? '' }
    expect({
      rules: rules?.all,
      role: await ask(
        adminUrl,
        `select rolsuper as superuser, rolreplication as replication, rolcanlogin as login
         from pg_roles where rolname = '${replicationRole}'`,
      ),
      connects: await codeOf(openSession(withUrl(adminUrl, { login }))),
      senders: await ask(
        adminUrl,
        'select json_agg(distinct usename) as users, count(*)::int as n from pg_stat_replication',
      ),
      secretInLog: cluster.servers.map(({ logFile }) =>
        readFileSync(logFile, 'utf8').includes(login.password),
      ),
    }).toEqual({
      rules: [
        [replicationRole, 'reject'],
        [replicationRole, 'scram-sha-256'],
      ],
      role: { superuser: false, replication: true, login: true },
      connects: '28000',
      senders: { users: [replicationRole], n: 2 },
      secretInLog: [false, false, false],
    })
  })

  test('shows a row late on a standby with a lag, and at once when that ends', async () => {
    await cluster.setLag(standby, 3_600_000)
    await rows.add(url, 10)
    await cluster.caughtUp(at(cluster.standbys, 1))
    const received = `pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()`
    const behind = await eventually(async () => {
      const row = await ask(
        standby.adminUrl,
        `select ${received} as waits, now() - pg_last_xact_replay_timestamp() > '0' as lag`,
      )
      return row?.waits === true && row
    })
    const before = await rows.in(standby.url(url))
    await cluster.setLag(standby, 0)
    await cluster.caughtUp(standby)
    expect({ behind, before, after: await rows.in(standby.url(url)) }).toEqual({
      behind: { waits: true, lag: true },
      before: [1],
      after: [1, 10],
    })
  })

  test('shows nothing new on a standby whose replay is paused', async () => {
    await cluster.pauseReplay(standby)
    await rows.add(url, 11)
    await cluster.caughtUp(at(cluster.standbys, 1))
    const before = await rows.in(standby.url(url))
    await cluster.resumeReplay(standby)
    await cluster.caughtUp(standby)
    expect({ before, after: await rows.in(standby.url(url)) }).toEqual({
      before: [1, 10],
      after: [1, 10, 11],
    })
  })

  test('leaves a frozen server connected and silent, and lets it go on', async () => {
    await using session = await openSession(standby.url(url))
    await standby.freeze()
    let answered = false
    const answer = session.sql`select 1 as one`.then(([row]) => {
      answered = true
      return row
    })
    // The primary answers many times while the frozen one answers nothing.
    for (let n = 100; n < 120; n++) await rows.add(url, n)
    const whileFrozen = { answered, running: standby.running }
    standby.thaw()
    expect({ whileFrozen, row: { ...(await answer) } }).toEqual({
      whileFrozen: { answered: false, running: true },
      row: { one: 1 },
    })
    await cluster.caughtUp(standby)
  })

  test('restarts a standby that was stopped or killed, and it catches up', async () => {
    await standby.stop()
    await rows.add(url, 200)
    await standby.start()
    await cluster.caughtUp(standby)
    await standby.kill()
    await rows.add(url, 201)
    await standby.start()
    await cluster.caughtUp(standby)
    expect(await rows.in(standby.url(url))).toEqual(await rows.in(url))
  })
})

test('the position of the last checkpoint is read from a stopped server as the server itself tells it', async () => {
  await using cluster = await startCluster({ standbys: 0 })
  const { primary } = cluster
  const left = async (mode: 'fast' | 'immediate') => {
    await primary.stop(mode)
    return readLeftState(primary.dataDirectory)
  }
  const { checkpoint, ...first } = await left('fast')
  await primary.start()
  const row = await ask(
    primary.adminUrl,
    `select checkpoint_lsn < '${checkpoint}' and checkpoint_lsn + 1 >= '${checkpoint}' as same from pg_control_checkpoint()`,
  )
  expect({ first, same: row?.same, second: (await left('immediate')).cleanly }).toEqual({
    first: { cleanly: true },
    same: true,
    second: false,
  })
}, 120_000)

test('a cluster whose run was killed is stopped and removed by the next run', async () => {
  await using run = Bun.spawn([process.execPath, join(import.meta.dir, 'support/cluster-process.ts')], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const { value } = await run.stdout.getReader().read()
  const servers: { pid: number; dataDirectory: string }[] = JSON.parse(new TextDecoder().decode(value))
  run.kill('SIGKILL')
  await run.exited
  const alive = servers.filter(({ pid }) => isAlive(pid)).length
  await sweepPrivateServers(testDataRoot())
  expect({
    alive,
    processes: servers.filter(({ pid }) => isAlive(pid)),
    folders: servers.map(({ dataDirectory }) => dirname(dataDirectory)).filter(existsSync),
  }).toEqual({ alive: 2, processes: [], folders: [] })
}, 120_000)

test('a cluster that is stopped leaves no process and no folder, whatever state its servers are in', async () => {
  const cluster = await startCluster({ standbys: 2 })
  const [first, second, third] = [0, 1, 2].map((index) => at(cluster.servers, index))
  const processes = cluster.servers.flatMap(({ pid }) => [pid, ...childrenOf(pid)])
  await first?.kill()
  await second?.freeze()
  await third?.stop('immediate')
  await Promise.all([cluster.stop(), cluster.stop()])
  expect({
    processes: processes.filter(isAlive),
    folders: cluster.servers.map(({ dataDirectory }) => dirname(dataDirectory)).filter(existsSync),
  }).toEqual({ processes: [], folders: [] })
}, 120_000)
