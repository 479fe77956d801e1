import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { startTestServer, type TestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { type ConnectionOptions, createDatabase, findDatabaseError } from '../src/index.ts'
import { firstRow } from './support.ts'

const abstract = `@layer-${process.pid}`
let folder: string
let server: TestServer
let url: URL

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockets-'))
  // The server runs as a user of its own.
  chmodSync(folder, 0o777)
  server = await startTestServer({ settings: { unix_socket_directories: `${folder}, ${abstract}` } })
  url = new URL((await server.database()).appUrl)
}, 60_000)

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

function open(text: string, connection: Partial<ConnectionOptions> = {}) {
  const database = createDatabase({
    name: 'addresses',
    url: text,
    // A connection that was idle for a while would be pinged, and the time of a deadline go there.
    pool: { poolSize: 1, maxOverflow: 0, prePing: false },
    connection,
  })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

/** Where the server sees its client: null over a Unix socket. A deadline then cancels, and the connection goes on. */
async function seenBy(text: string) {
  await using database = open(text)
  const where = sql`select inet_client_addr()::text as client, pg_backend_pid() as pid`
  const before = await firstRow<{ client: string | null }>(database.db.execute(where))
  const error = await database
    .within({ timeoutMs: 100 }, () => database.db.execute(sql`select pg_sleep(60)`))
    .catch((thrown: unknown) => findDatabaseError(thrown)?.code)
  const after = await firstRow(database.db.execute(where))
  return { client: before.client, error, isSame: isDeepStrictEqual(before, after) }
}

describe('a host', () => {
  const login = () => `user=${url.username} password='${url.password}' dbname=${url.pathname.slice(1)}`

  test('may be a Unix socket, by its folder or abstract, whatever the TLS mode; a deadline cancels there too', async () => {
    const { username, password, pathname } = url
    const credentials = `${username}:${password}`
    const expected = { client: null, error: 'STATEMENT_TIMEOUT', isSame: true }
    expect<unknown>({
      'host=/folder': await seenBy(`host=${folder} port=${server.port} ${login()} sslmode=verify-full`),
      'behind the ?': await seenBy(
        `postgresql://${credentials}@localhost${pathname}?host=${folder}&port=${server.port}`,
      ),
      'percent-encoded': await seenBy(
        `postgresql://${credentials}@${encodeURIComponent(folder)}:${server.port}${pathname}`,
      ),
      abstract: await seenBy(`host=${abstract} port=${server.port} ${login()}`),
    }).toEqual({
      'host=/folder': expected,
      'behind the ?': expected,
      'percent-encoded': expected,
      abstract: expected,
    })
  }, 60_000)

  test('may be an IPv6 address', async () => {
    const forwarder = createServer((client) => {
      const upstream = connect({ host: '127.0.0.1', port: server.port }).on('error', () => client.destroy())
      client.on('error', () => upstream.destroy())
      client.pipe(upstream).pipe(client)
    })
    await new Promise<void>((resolve) => forwarder.listen(0, '::1', resolve))
    try {
      const { port } = forwarder.address() as AddressInfo
      const text = `postgresql://${url.username}:${url.password}@[::1]:${port}${url.pathname}`
      expect(await seenBy(text)).toMatchObject({ error: 'STATEMENT_TIMEOUT', isSame: true })
    } finally {
      forwarder.close()
    }
  }, 60_000)

  test('that cannot be reached is an error that names the addresses that were tried, and why each failed', async () => {
    const messageOf = async (text: string) => {
      // So long every attempt has failed when the last failure is reported; no deadline may come before it.
      await using database = open(text, { connectTimeoutMs: 1_000 })
      const error = await database
        .connect({ timeoutMs: 60_000 })
        .catch((thrown: unknown) => findDatabaseError(thrown))
      return (error as Error).message
    }
    expect(await messageOf(`postgresql://${url.username}:canary@localhost:1/d`)).toMatch(
      /@localhost:1\/d \(ECONNREFUSED\)\. .* Tried (.*, )?127\.0\.0\.1 \(ECONNREFUSED\)/,
    )
    expect(await messageOf(`host=${folder} port=1 user=u dbname=d`)).toContain(
      `u@${folder}/.s.PGSQL.1/d (ENOENT). There is no such socket`,
    )
  }, 60_000)
})
