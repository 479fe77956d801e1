import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { findPostgres, type LocalPostgres, startPostgres } from '../src/index.ts'
import { scratchRoot } from './support/scratch-root.ts'

const settings = { fsync: 'off' }

describe('startPostgres where things are not as asked for', () => {
  let root: Awaited<ReturnType<typeof scratchRoot>>
  beforeAll(async () => {
    root = await scratchRoot()
  })
  afterAll(() => root[Symbol.asyncDispose](), 120_000)

  const start = (options: Parameters<typeof startPostgres>[0] = {}): Promise<LocalPostgres> =>
    startPostgres({ dataRoot: root.path, port: 0, settings, ...options })

  test('a taken port is named with its holder, and the next free one is used', async () => {
    const { server: holder, port } = await listen()
    try {
      const notices: string[] = []
      await using server = await start({ port, onNotice: (line) => notices.push(line) })
      expect(server.port).toBeGreaterThan(port)
      expect(server.portTakenBy).toContain(`process ${process.pid}`)
      expect(notices).toEqual([`port ${port} is taken by ${server.portTakenBy}: using ${server.port}`])
    } finally {
      holder.close()
    }
  }, 120_000)

  test('a port held by another PostgreSQL is named with its data directory', async () => {
    await using other = await scratchRoot()
    await using first = await start()
    await using second = await startPostgres({ dataRoot: other.path, port: first.port, settings })
    expect(second.portTakenBy).toBe(
      `a PostgreSQL server (process ${first.pid}) with data directory ${first.dataDirectory}`,
    )
  }, 120_000)

  test('a half-made data directory is put aside and made anew', async () => {
    const notices: string[] = []
    const data = join(root.path, 'data')
    renameSync(join(data, 'global/pg_control'), join(data, 'global/pg_control.gone'))
    await using server = await start({ onNotice: (line) => notices.push(line) })
    expect(notices).toHaveLength(1)
    expect(notices[0]).toContain('was only half made')
    expect(server.startedHere).toBe(true)
  }, 120_000)

  test.each([
    [
      'a data directory of another major version',
      'VERSION_MISMATCH',
      'data/PG_VERSION',
      '15\n',
      'PostgreSQL 15',
    ],
    ['a setting that postgres refuses', 'START_FAILED', null, '', 'max_connections'],
    ["a setting that is the launcher's own", 'OPTIONS', null, '', 'listen_addresses'],
    ['a missing password file', 'PASSWORD', 'password', null, 'Restore the file'],
  ] as const)(
    '%s is refused with %s and what to do',
    async (_, code, file, content, words) => {
      const path = file === null ? null : join(root.path, file)
      const before = path === null ? '' : readFileSync(path, 'utf8')
      if (path !== null && content === null) rmSync(path)
      if (path !== null && content !== null) writeFileSync(path, content)
      const own: Record<string, string> =
        code === 'OPTIONS' ? { port: '1' } : code === 'START_FAILED' ? { max_connections: 'many' } : {}
      try {
        const error = await start({ settings: { ...settings, ...own } }).catch((caught) => caught)
        expect(error).toMatchObject({ name: 'LocalPostgresError', code })
        expect(error.message).toContain(words)
        if (code === 'START_FAILED') expect(error.logTail.length).toBeGreaterThan(0)
      } finally {
        if (path !== null) writeFileSync(path, before, { mode: 0o600 })
      }
      // Nothing is left running or broken by the refusal.
      expect(await findPostgres({ dataRoot: root.path })).toBeNull()
    },
    120_000,
  )
})

function listen(): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address()
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}
