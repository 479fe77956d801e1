import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSession } from '../src/admin-connection.ts'
import { findPostgres, type LocalPostgres, startPostgres, stopPostgres } from '../src/index.ts'
import { isAlive } from '../src/server/processes.ts'
import { eventually } from '../src/testing/eventually.ts'
import { scratchRoot } from './support/scratch-root.ts'

const settings = { fsync: 'off' }

async function ask<T extends object>(adminUrl: string, query: string): Promise<T | undefined> {
  await using session = await openSession(adminUrl)
  const [row] = await session.sql.unsafe<T[]>(query)
  return row
}

describe('startPostgres', () => {
  let root: Awaited<ReturnType<typeof scratchRoot>>
  beforeAll(async () => {
    root = await scratchRoot()
  })
  afterAll(() => root[Symbol.asyncDispose]())

  const start = (options: Parameters<typeof startPostgres>[0] = {}): Promise<LocalPostgres> =>
    startPostgres({ dataRoot: root.path, port: 0, settings, ...options })

  test('makes a UTF8 server on loopback with scram passwords, reachable by no socket file', async () => {
    await using server = await start({ settings: { fsync: 'off', max_connections: '33' } })
    const row = await ask(
      server.adminUrl,
      `select current_setting('server_encoding') as encoding, current_setting('listen_addresses') as listen,
        current_setting('unix_socket_directories') as sockets, current_setting('password_encryption') as passwords,
        current_setting('max_connections') as connections, current_setting('cluster_name') as name,
        (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as auth,
        (select datlocprovider::text || datlocale from pg_database where datname = 'postgres') as locale`,
    )
    expect(row).toEqual({
      encoding: 'UTF8',
      listen: '127.0.0.1',
      sockets: '',
      passwords: 'scram-sha-256',
      connections: '33',
      name: 'local-session',
      auth: 'scram-sha-256',
      locale: 'bC.UTF-8',
    })
    expect(statSync(join(server.dataDirectory, '../password')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(server.dataDirectory, 'postmaster.pid'), 'utf8')).toStartWith(`${server.pid}\n`)
  }, 120_000)

  test('a second use joins the running server, and only the last release stops it', async () => {
    const notices: string[] = []
    await using first = await start()
    await using second = await start({ settings: { fsync: 'on' }, onNotice: (line) => notices.push(line) })
    expect({ pid: second.pid, first: first.startedHere, second: second.startedHere }).toEqual({
      pid: first.pid,
      first: true,
      second: false,
    })
    expect(notices).toEqual(['PostgreSQL runs already, with the settings of its start: fsync = off, not on'])
    expect((await findPostgres({ dataRoot: root.path }))?.users).toBe(2)
    expect(await first.release()).toBe('shared')
    expect(await first.release()).toBe('shared')
    expect(isAlive(second.pid)).toBe(true)
    expect(await second.release()).toBe('stopped')
    expect(isAlive(second.pid)).toBe(false)
    expect(await findPostgres({ dataRoot: root.path })).toBeNull()
  }, 120_000)

  test('starts at one moment in one process end with one server', async () => {
    const servers = await Promise.all([start(), start(), start()])
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1)
    expect(servers.filter(({ startedHere }) => startedHere)).toHaveLength(1)
    const results = await Promise.all(servers.map((server) => server.release()))
    expect(results.toSorted()).toEqual(['shared', 'shared', 'stopped'])
  }, 120_000)

  test('a daemon outlives its users until it is stopped', async () => {
    await using daemon = await start({ lifetime: 'daemon' })
    await using guest = await start()
    expect({ guest: guest.lifetime, release: await guest.release() }).toEqual({
      guest: 'daemon',
      release: 'left-running',
    })
    expect(await daemon.release()).toBe('left-running')
    expect(await findPostgres({ dataRoot: root.path })).toMatchObject({
      pid: daemon.pid,
      lifetime: 'daemon',
      users: 0,
    })
    expect(await stopPostgres({ dataRoot: root.path })).toBe(true)
    expect(await stopPostgres({ dataRoot: root.path })).toBe(false)
    expect(isAlive(daemon.pid)).toBe(false)
  }, 120_000)

  test('who joined a session server owns it also after a stop and a daemon start underneath', async () => {
    await using session = await start()
    await stopPostgres({ dataRoot: root.path })
    await using daemon = await start({ lifetime: 'daemon' })
    expect(await daemon.release()).toBe('left-running')
    await eventually(async () => (await findPostgres({ dataRoot: root.path }))?.users === 1)
    expect(await session.release()).toBe('stopped')
    expect(isAlive(daemon.pid)).toBe(false)
  }, 120_000)

  test('a restart under another holder keeps that holder attached', async () => {
    await using holder = await start()
    await using other = await start()
    const before = other.pid
    await other.restart({ mode: 'immediate' })
    expect(other.port).toBe(holder.port)
    expect(other.pid).not.toBe(before)
    expect(await other.release()).toBe('shared')
    expect(await holder.release()).toBe('stopped')
  }, 120_000)

  test('a killed postmaster is started again and recovers', async () => {
    await using server = await start()
    const killed = server.pid
    process.kill(killed, 'SIGKILL')
    await eventually(() => !isAlive(killed))
    await server.restart()
    expect(await ask<{ one: number }>(server.adminUrl, 'select 1 as one')).toEqual({ one: 1 })
  }, 120_000)

  test('a frozen postmaster and a frozen backend are stopped all the same', async () => {
    await using server = await start()
    await using session = await openSession(server.adminUrl)
    const [backend] = await session.sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    process.kill(backend?.pid ?? 0, 'SIGSTOP')
    process.kill(server.pid, 'SIGSTOP')
    await server.stop()
    expect(isAlive(server.pid)).toBe(false)
    expect(await server.release()).toBe('stopped')
  }, 120_000)

  test('a stale postmaster.pid whose id another process has got is put aside', async () => {
    await using server = await start()
    const file = join(server.dataDirectory, 'postmaster.pid')
    const lines = readFileSync(file, 'utf8').split('\n')
    await server.release()
    // This process lives, and is no postmaster.
    writeFileSync(file, [process.pid, ...lines.slice(1)].join('\n'), { mode: 0o600 })
    await using again = await start()
    expect({ alive: isAlive(again.pid), aside: existsSync(`${file}.stale`) }).toEqual({
      alive: true,
      aside: true,
    })
  }, 120_000)
})
