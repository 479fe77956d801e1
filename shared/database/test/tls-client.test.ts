import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createPrivateKey } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { sql } from 'drizzle-orm'
import { ConfigurationError, ConnectError, createDatabase, findDatabaseError } from '../src/index.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { firstRow } from './support.ts'
import { listenIn, startTlsServer, type TlsServer } from './tls-server.ts'

let folder: string
let authority: Authority
let clients: Authority
let tls: TlsServer
let url: URL

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tls-client-'))
  authority = createAuthority('The authority')
  clients = createAuthority('Who signs clients')
  tls = await startTlsServer()
  await tls.use(authority.issue(['localhost']), clients)
  url = new URL((await tls.server.database()).appUrl)
  url.hostname = 'localhost'
  write('authority.pem', authority.certificate)
}, 60_000)

afterAll(async () => {
  await tls[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

function write(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

interface Way {
  port?: number
  user?: string
  [keyword: string]: string | number | undefined
}

/** A connection by the string that these pieces and parameters make. */
function open({ port, user, ...parameters }: Way) {
  const own = new URL(url)
  if (port !== undefined) own.port = String(port)
  if (user !== undefined) own.username = user
  if (user !== undefined) own.password = ''
  for (const [keyword, value] of Object.entries(parameters)) own.searchParams.set(keyword, String(value))
  const database = createDatabase({
    name: 'tls client',
    url: own.href.replaceAll('+', '%20'),
    // Nothing else is asked on it, however long a busy machine leaves it idle.
    pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 },
    connection: { connectTimeoutMs: 20_000 },
  })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

/** What the server sees of the connection, else why there is none. */
async function seenBy(way: Way): Promise<unknown> {
  await using database = open(way)
  try {
    await database.connect({ timeoutMs: 20_000 })
  } catch (thrown) {
    const error = findDatabaseError(thrown)
    if (!(error instanceof ConnectError)) throw thrown
    return `${error.sqlState ?? error.driverCode} ${error.retryable ? 'retryable' : 'final'}`
  }
  const { version, client } = await firstRow<Record<'version' | 'client', string | null>>(
    database.db.execute(
      sql`select version, client_dn as client from pg_stat_ssl where pid = pg_backend_pid()`,
    ),
  )
  return client ?? version
}

describe('TLS from the start', () => {
  test('is what the server gets, without a request for it, for statements and to cancel them', async () => {
    using wire = await listenIn(tls.server)
    const sslrootcert = join(folder, 'authority.pem')
    await using database = open({
      port: wire.port,
      sslmode: 'verify-full',
      sslrootcert,
      sslnegotiation: 'direct',
    })
    const seen = await firstRow(
      database.db.execute(sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`),
    )
    const error = await database
      .within({ timeoutMs: 100 }, () => database.db.execute(sql`select pg_sleep(60)`))
      .catch((thrown: unknown) => findDatabaseError(thrown)?.code)
    // The pool's only connection serves the next caller: the cancellation has reached the backend.
    await database.db.execute(sql`select 1`)
    const handshake = '1603'
    expect<unknown>({
      seen,
      error,
      cancelled: wire.sent.length > 1,
      openings: [...new Set(wire.sent.map((sent) => sent.subarray(0, 2).toString('hex')))],
    }).toEqual({ seen: { ssl: true }, error: 'STATEMENT_TIMEOUT', cancelled: true, openings: [handshake] })
  }, 60_000)

  test('is refused where what answers does not speak PostgreSQL’s protocol, or the mode allows the clear', async () => {
    const { certificate, key } = authority.issue(['localhost'])
    const server = createServer({ cert: certificate, key }, (socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as { port: number }
      expect(await seenBy({ port, sslmode: 'require', sslnegotiation: 'direct' })).toBe(
        'TLS_NOT_DIRECT final',
      )
    } finally {
      server.close()
    }
    expect(() => open({ sslmode: 'prefer', sslnegotiation: 'direct' })).toThrow(ConfigurationError)
    expect(() => open({ sslmode: 'prefer', sslnegotiation: 'direct' })).toThrow('sslMode')
  }, 60_000)
})

describe('a connection string', () => {
  test('bounds the version of TLS, and hides which host is meant', async () => {
    using wire = await listenIn(tls.server)
    const port = wire.port
    const namesHost = () => wire.sent.at(-1)?.includes('localhost')
    const versions = {
      newest: await seenBy({ sslmode: 'require' }),
      'max 1.2': await seenBy({ sslmode: 'require', ssl_max_protocol_version: 'TLSv1.2' }),
      'min 1.3': await seenBy({ sslmode: 'require', ssl_min_protocol_version: 'TLSv1.3' }),
    }
    await seenBy({ port, sslmode: 'require' })
    const named = namesHost()
    await seenBy({ port, sslmode: 'require', sslsni: '0' })
    expect<unknown>({ ...versions, named, hidden: namesHost() }).toEqual({
      newest: 'TLSv1.3',
      'max 1.2': 'TLSv1.2',
      'min 1.3': 'TLSv1.3',
      named: true,
      hidden: false,
    })
  }, 60_000)

  test('with a file of authorities makes require verify, as libpq does, and system means those of the system', async () => {
    const sslrootcert = write('stranger.pem', createAuthority('Somebody else').certificate)
    expect<unknown>({
      stranger: await seenBy({ sslmode: 'require', sslrootcert }),
      known: await seenBy({ sslmode: 'require', sslrootcert: join(folder, 'authority.pem') }),
      system: await seenBy({ sslrootcert: 'system' }),
    }).toEqual({
      stranger: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE final',
      known: 'TLSv1.3',
      system: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE final',
    })
  }, 60_000)
})

describe('a client certificate', () => {
  const user = 'certified'

  beforeAll(async () => {
    await tls.admin.db.execute(sql.raw(`create role ${user} login`))
    await tls.admin.db.execute(sql.raw(`grant connect on database test_db to ${user}`))
    await tls.addAccessRule(`hostssl all ${user} all cert`)
    const { certificate, key } = clients.issue([user])
    write('client.crt', certificate)
    write('client.key', key)
    write('both.pem', `${certificate}\n${key}`)
    const encrypted = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'the key’s own',
    })
    write('encrypted.key', encrypted.toString())
    const other = createAuthority('Others')
    write('other.crt', other.issue([user]).certificate)
    write('other.key', other.issue([user]).key)
    write('somebody.pem', Object.values(clients.issue(['somebody'])).join('\n'))
    chmodSync(write('open.key', key), 0o644)
  }, 60_000)

  const file = (name: string) => join(folder, name)

  test('is what the server knows its client by', async () => {
    const sslcert = file('client.crt')
    const sslkey = file('client.key')
    const known = `/CN=${user}`
    expect<unknown>({
      'two files': await seenBy({ user, sslmode: 'require', sslcert, sslkey }),
      'one file': await seenBy({ user, sslmode: 'require', sslcert: file('both.pem') }),
      'from the start': await seenBy({ user, sslmode: 'require', sslcert, sslkey, sslnegotiation: 'direct' }),
      'encrypted key': await seenBy({
        user,
        sslmode: 'require',
        sslcert,
        sslkey: file('encrypted.key'),
        sslpassword: 'the key’s own',
      }),
      none: await seenBy({ user, sslmode: 'require' }),
      'none sent': await seenBy({ user, sslmode: 'require', sslcert, sslkey, sslcertmode: 'disable' }),
      'somebody’s': await seenBy({ user, sslmode: 'require', sslcert: file('somebody.pem') }),
      'in the clear': await seenBy({ user, sslmode: 'disable', sslcert, sslkey }),
    }).toEqual({
      'two files': known,
      'one file': known,
      'from the start': known,
      'encrypted key': known,
      none: '28000 final',
      'none sent': '28000 final',
      'somebody’s': '28000 final',
      'in the clear': 'LOGIN_NO_PASSWORD final',
    })
  }, 60_000)

  test('of files that cannot be used is an error that names the file and the reason', async () => {
    const messageOf = async (way: Way) => {
      await using database = open({ user, sslmode: 'require', ...way })
      const error = await database
        .connect({ timeoutMs: 20_000 })
        .catch((thrown: unknown) => findDatabaseError(thrown))
      return (error as Error).message.replaceAll(folder, '.').replace(/ Correct .*/, '')
    }
    const sslcert = file('client.crt')
    expect({
      missing: await messageOf({ sslcert: file('missing'), sslkey: file('client.key') }),
      'no key': await messageOf({ sslcert }),
      'another’s key': await messageOf({ sslcert, sslkey: file('other.key') }),
      'open to others': await messageOf({ sslcert, sslkey: file('open.key') }),
      'no password': await messageOf({ sslcert, sslkey: file('encrypted.key') }),
      'wrong password': await messageOf({ sslcert, sslkey: file('encrypted.key'), sslpassword: 'canary' }),
    }).toEqual({
      missing: 'The certificate could not be read from ./missing (ENOENT).',
      'no key': 'The key of the certificate could not be read from ./client.crt (no PEM key in it).',
      'another’s key':
        'The key of the certificate could not be read from ./other.key (not the key of the certificate in ./client.crt).',
      'open to others':
        'The key of the certificate could not be read from ./open.key (others may read it: chmod 600).',
      'no password':
        'The key of the certificate could not be read from ./encrypted.key (encrypted: give its password as sslpassword in the connection string).',
      'wrong password':
        'The key of the certificate could not be read from ./encrypted.key (its password is wrong: correct sslpassword).',
    })
  }, 60_000)
})
