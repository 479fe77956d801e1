import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findPostgres, startPostgres } from '../src/index.ts'
import { isAlive } from '../src/server/processes.ts'
import { eventually } from '../src/testing/eventually.ts'
import { scratchRoot } from './support/scratch-root.ts'
import { startUser } from './support/user.ts'

describe('processes that share a server', () => {
  let root: Awaited<ReturnType<typeof scratchRoot>>
  beforeAll(async () => {
    root = await scratchRoot()
  })
  afterAll(() => root[Symbol.asyncDispose](), 120_000)

  test('two that start at the same moment on an empty folder end with one server', async () => {
    await using first = startUser(root.path)
    await using second = startUser(root.path)
    const [one, two] = await Promise.all([first.ready, second.ready])
    expect({
      same: one.pid === two.pid,
      started: [one, two].filter((user) => user.startedHere).length,
    }).toEqual({
      same: true,
      started: 1,
    })
    expect(await first.release()).toBe('shared')
    expect(isAlive(one.pid)).toBe(true)
    expect(await second.release()).toBe('stopped')
    expect(isAlive(one.pid)).toBe(false)
  }, 120_000)

  test('a server whose only user was killed is adopted by the next, and stops at its release', async () => {
    await using owner = startUser(root.path)
    const { pid } = await owner.ready
    await owner.kill()
    expect(isAlive(pid)).toBe(true)
    await using next = await startPostgres({ dataRoot: root.path, port: 0 })
    expect({ pid: next.pid, startedHere: next.startedHere }).toEqual({ pid, startedHere: false })
    // The hold of the killed one is over once the server has noticed.
    await eventually(async () => (await findPostgres({ dataRoot: root.path }))?.users === 1)
    expect(await next.release()).toBe('stopped')
    expect(isAlive(pid)).toBe(false)
  }, 120_000)

  test('a stop while somebody else holds the server ends it for both', async () => {
    await using holder = startUser(root.path)
    const { pid } = await holder.ready
    await using mine = await startPostgres({ dataRoot: root.path, port: 0 })
    await mine.stop()
    expect(isAlive(pid)).toBe(false)
    expect([await mine.release(), await holder.release()]).toEqual(['stopped', 'stopped'])
  }, 120_000)

  test('a killed user no longer counts', async () => {
    await using mine = await startPostgres({ dataRoot: root.path, port: 0, settings: { fsync: 'off' } })
    await using guest = startUser(root.path)
    await guest.ready
    await guest.kill()
    await eventually(async () => (await findPostgres({ dataRoot: root.path }))?.users === 1)
    expect(await mine.release()).toBe('stopped')
  }, 120_000)
})

test('a folder that the server cannot use is replaced by a private one, and said', async () => {
  const closed = mkdtempSync(join(tmpdir(), 'closed-'))
  // To root's server user the owner is the wall, to an ordinary user the mode.
  chmodSync(closed, process.getuid?.() === 0 ? 0o700 : 0o500)
  const notices: string[] = []
  const dataRoot = join(closed, 'postgres')
  const server = await startPostgres({
    dataRoot,
    port: 0,
    settings: { fsync: 'off' },
    onNotice: (line) => notices.push(line),
  })
  try {
    expect(notices).toHaveLength(1)
    expect(notices[0]).toContain(dirname(server.dataDirectory))
    expect({ there: existsSync(dataRoot), found: (await findPostgres({ dataRoot }))?.pid }).toEqual({
      there: false,
      found: server.pid,
    })
  } finally {
    await server.release()
    rmSync(dirname(server.dataDirectory), { recursive: true, force: true })
    rmSync(closed, { recursive: true, force: true })
  }
}, 120_000)
