import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  eventually,
  startFaultProxy,
  type UncaughtErrors,
  watchUncaughtErrors,
} from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  ConnectError,
  type ConnectionOptions,
  createDatabase,
  type Database,
  type DatabaseEvent,
  findDatabaseError,
} from '../src/index.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { printed } from './printed.ts'
import { firstRow } from './support.ts'
import { listen, listenIn, startTlsServer, type TlsServer } from './tls-server.ts'

type Plain = Database<Record<string, never>>

let folder: string
let authority: Authority
let stranger: Authority
let tls: TlsServer
let appUrl: string
let uncaught: UncaughtErrors

beforeAll(async () => {
  uncaught = watchUncaughtErrors()
  folder = mkdtempSync(join(tmpdir(), 'tls-'))
  authority = createAuthority('The authority')
  stranger = createAuthority('Somebody else')
  writeFileSync(join(folder, 'authority.pem'), authority.certificate)
  writeFileSync(join(folder, 'stranger.pem'), stranger.certificate)
  writeFileSync(join(folder, 'nothing.pem'), 'not a certificate')
  tls = await startTlsServer()
  appUrl = (await tls.server.database()).appUrl
}, 60_000)

afterAll(async () => {
  await tls[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
  uncaught.stop()
  uncaught.assertNone()
}, 60_000)

interface OpenOptions extends Partial<ConnectionOptions> {
  host?: string
  port?: number
  user?: string
  onEvent?: (event: DatabaseEvent) => void
}

/** A handle with one connection; failures must come by themselves, not from a timer, so the timers are long. */
function open({ host, port, user, onEvent, ...connection }: OpenOptions = {}): Plain & AsyncDisposable {
  const url = new URL(appUrl)
  url.hostname = host ?? 'localhost'
  if (port !== undefined) url.port = String(port)
  if (user !== undefined) url.username = user
  const database = createDatabase({
    name: 'tls',
    url: url.href,
    // Nothing else is asked on it, however long a busy machine leaves it idle.
    pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 },
    connection: { connectTimeoutMs: 60_000, ...connection },
    onEvent,
  })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )

/** 'TLS' or 'clear' as the server sees it, else why there is no connection. */
async function outcomeOf(options: OpenOptions): Promise<string> {
  await using database = open(options)
  const error = await thrownBy(database.connect({ timeoutMs: 60_000 }))
  if (error instanceof ConnectError) {
    return `${error.sqlState ?? error.driverCode} ${error.retryable ? 'retryable' : 'final'}`
  }
  if (error) throw error
  const seen = await firstRow<{ ssl: boolean; version: string }>(
    database.db.execute(sql`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`),
  )
  return seen.ssl ? 'TLS' : 'clear'
}

async function outcomesOf(cases: Record<string, OpenOptions>): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {}
  for (const [name, options] of Object.entries(cases)) outcomes[name] = await outcomeOf(options)
  return outcomes
}

const pem = (name: string) => join(folder, `${name}.pem`)
const ip = '127.0.0.1'

describe('a server without TLS', () => {
  test('is used in the clear by disable and prefer, and refused at once by the other modes', async () => {
    await tls.use(null)
    const sslRootCert = pem('authority')
    expect(
      await outcomesOf({
        disable: { sslMode: 'disable' },
        prefer: { sslMode: 'prefer' },
        require: { sslMode: 'require' },
        'verify-ca': { sslMode: 'verify-ca', sslRootCert },
        'verify-full': { sslMode: 'verify-full', sslRootCert },
      }),
    ).toEqual({
      disable: 'clear',
      prefer: 'clear',
      require: 'TLS_NOT_OFFERED final',
      'verify-ca': 'TLS_NOT_OFFERED final',
      'verify-full': 'TLS_NOT_OFFERED final',
    })
  }, 60_000)
})

describe('a server with TLS', () => {
  beforeAll(() => tls.use(authority.issue(['localhost'])), 60_000)

  test('is verified as far as the mode says', async () => {
    const trusted = { sslRootCert: pem('authority') }
    const wrong = { sslRootCert: pem('stranger') }
    const unverified = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE final'
    expect(
      await outcomesOf({
        disable: { sslMode: 'disable' },
        prefer: { sslMode: 'prefer' },
        require: { sslMode: 'require' },
        'require, by address': { sslMode: 'require', host: ip },
        'verify-ca': { sslMode: 'verify-ca', ...trusted },
        'verify-ca, another host name': { sslMode: 'verify-ca', host: ip, ...trusted },
        'verify-ca, another authority': { sslMode: 'verify-ca', ...wrong },
        "verify-ca, the system's authorities": { sslMode: 'verify-ca' },
        'verify-full': { sslMode: 'verify-full', ...trusted },
        'verify-full, another host name': { sslMode: 'verify-full', host: ip, ...trusted },
        'verify-full, another authority': { sslMode: 'verify-full', ...wrong },
        "verify-full, the system's authorities": { sslMode: 'verify-full' },
        'no CA file': { sslMode: 'verify-full', sslRootCert: pem('missing') },
        'a CA file of something else': { sslMode: 'verify-full', sslRootCert: pem('nothing') },
      }),
    ).toEqual({
      disable: 'clear',
      prefer: 'TLS',
      require: 'TLS',
      'require, by address': 'TLS',
      'verify-ca': 'TLS',
      'verify-ca, another host name': 'TLS',
      'verify-ca, another authority': unverified,
      "verify-ca, the system's authorities": unverified,
      'verify-full': 'TLS',
      'verify-full, another host name': 'ERR_TLS_CERT_ALTNAME_INVALID final',
      'verify-full, another authority': unverified,
      "verify-full, the system's authorities": unverified,
      'no CA file': 'CA_FILE final',
      'a CA file of something else': 'CA_FILE final',
    })
  }, 60_000)

  test('errors say what is wrong and what to do, without the password', async () => {
    const messageOf = async (options: OpenOptions) => {
      await using database = open(options)
      const error = (await thrownBy(database.connect({ timeoutMs: 60_000 }))) as Error
      expect(printed(error)).not.toContain(new URL(appUrl).password)
      return error.message
    }
    expect(await messageOf({ sslMode: 'verify-ca', sslRootCert: pem('stranger') })).toContain('sslRootCert')
    expect(await messageOf({ sslMode: 'verify-full', sslRootCert: pem('authority'), host: ip })).toContain(
      'another host',
    )
    expect(await messageOf({ sslMode: 'verify-full', sslRootCert: pem('missing') })).toContain(pem('missing'))
  }, 60_000)

  test('a login that is for TLS only works with SCRAM over TLS and is refused in the clear', async () => {
    const { admin } = tls
    const { password } = new URL(appUrl)
    await admin.db.execute(sql.raw(`create role tls_only login password '${password}'`))
    await admin.db.execute(sql.raw('grant connect on database test_db to tls_only'))
    await tls.addAccessRule('hostssl all tls_only all scram-sha-256\nhostnossl all tls_only all reject')
    const stored = await firstRow(
      admin.db.execute(
        sql`select rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = 'tls_only'`,
      ),
    )
    const modes = await outcomesOf({
      disable: { user: 'tls_only', sslMode: 'disable' },
      require: { user: 'tls_only', sslMode: 'require' },
    })
    expect({ ...stored, ...modes }).toEqual({ scram: true, disable: '28000 final', require: 'TLS' })
  }, 60_000)

  test('a deadline cancels what runs, with nothing in the clear on the wire', async () => {
    using wire = await listenIn(tls.server)
    await using database = open({ port: wire.port, sslMode: 'require' })
    const pid = sql`select pg_backend_pid() as pid`
    const before = await firstRow(database.db.execute(pid))
    const error = await thrownBy(
      database.within({ timeoutMs: 100 }, () => database.db.execute(sql`select pg_sleep(60)`)),
    )
    expect(error).toMatchObject({ code: 'STATEMENT_TIMEOUT' })
    // The pool's only connection serves the next caller: the cancellation has reached the backend.
    expect(await firstRow(database.db.execute(pid))).toEqual(before)
    const sslRequest = '0000000804d2162f'
    const cancelRequest = Buffer.from([4, 210, 22, 46])
    expect({
      // One for statements, the others to cancel.
      cancelled: wire.sent.length > 1,
      openings: [...new Set(wire.sent.map((sent) => sent.subarray(0, 8).toString('hex')))],
      clear: wire.sent.some((sent) => sent.includes('test_app') || sent.includes(cancelRequest)),
    }).toEqual({ cancelled: true, openings: [sslRequest], clear: false })
  }, 60_000)

  test('a connection that goes silent is found, and one that is cut fails its statements', async () => {
    await using proxy = await startFaultProxy({ target: { host: tls.server.host, port: tls.server.port } })
    const events: string[] = []
    await using database = open({
      port: proxy.port,
      sslMode: 'verify-full',
      sslRootCert: pem('authority'),
      stallAfterMs: 300,
      onEvent: ({ type }) => events.push(type),
    })
    await database.connect()
    await proxy.set('freezeOld')
    // It fails, or runs over another connection where the server can tell that it never arrived.
    const error = await thrownBy(database.db.execute(sql`select 0`))
    if (error !== null) expect(error).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(events).toContain('statement-stalled')
    await proxy.set('forward')
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
    const running = thrownBy(database.db.execute(sql`select pg_sleep(60)`))
    await eventually(() => isRunning('select pg_sleep(60)'))
    proxy.cut()
    expect(await running).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
    expect(await firstRow(database.db.execute(sql`select 2 as n`))).toEqual({ n: 2 })
  }, 60_000)

  test('close settles what runs and leaves no backend', async () => {
    const database = open({ sslMode: 'require' })
    const running = thrownBy(database.db.execute(sql`select pg_sleep(61)`))
    await eventually(() => isRunning('select pg_sleep(61)'))
    await database.close({ timeoutMs: 0 })
    expect(await running).not.toBeNull()
    await eventually(async () => !(await isRunning('select pg_sleep(61)')))
  }, 60_000)

  test('a new certificate and a new CA file are taken without a restart', async () => {
    const sslRootCert = pem('current')
    writeFileSync(sslRootCert, authority.certificate)
    await using database = open({ host: ip, sslMode: 'verify-full', sslRootCert })
    const outcome = async () => {
      database.invalidate()
      const error = await thrownBy(database.connect({ timeoutMs: 60_000 }))
      return error instanceof ConnectError ? error.driverCode : error
    }
    const outcomes: Record<string, unknown> = {}
    await tls.use(authority.issue([ip]))
    outcomes['names the address'] = await outcome()
    await tls.use(stranger.issue(['localhost', ip]))
    outcomes['new authority'] = await outcome()
    writeFileSync(sslRootCert, stranger.certificate)
    outcomes['new CA file'] = await outcome()
    await tls.use(stranger.issue([ip], { hasExpired: true }))
    outcomes.expired = await outcome()
    expect(outcomes).toEqual({
      'names the address': null,
      'new authority': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'new CA file': null,
      expired: 'CERT_HAS_EXPIRED',
    })
  }, 60_000)
})

describe('what answers is not a server with TLS', () => {
  const answering = (answer: (socket: Socket) => void) =>
    listen((socket) => socket.once('data', () => answer(socket)))

  test.each([
    ['another protocol', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'TLS_PROTOCOL'],
    ['something put behind the yes', (socket: Socket) => socket.write('SE\0\0\0\x08hi'), 'TLS_PROTOCOL'],
  ])(
    '%s is refused for good',
    async (_, answer, driverCode) => {
      using server = await answering(answer)
      await using database = open({ host: ip, port: server.port, sslMode: 'prefer' })
      const error = await thrownBy(database.connect({ timeoutMs: 50_000 }))
      expect(error).toMatchObject({ code: 'CONNECT_FAILED', driverCode, retryable: false })
    },
    60_000,
  )

  test.each([
    ['an end before the answer', (socket: Socket) => socket.destroy()],
    ['an end after the yes', (socket: Socket) => socket.end('S')],
    ['silence', () => {}],
    ['silence after the yes', (socket: Socket) => socket.write('S')],
  ])(
    '%s ends the attempt, and it may be tried again',
    async (_, answer) => {
      using server = await answering(answer)
      await using database = open({ host: ip, port: server.port, sslMode: 'require', connectTimeoutMs: 300 })
      const error = await thrownBy(database.connect({ timeoutMs: 50_000 }))
      expect(error).toMatchObject({ code: 'CONNECT_FAILED', sqlState: null, retryable: true })
    },
    60_000,
  )
})

async function isRunning(query: string): Promise<boolean> {
  const rows = await tls.admin.db.execute(
    sql`select from pg_stat_activity where state = 'active' and query = ${query}`,
  )
  return rows.length > 0
}
