import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { sql } from 'drizzle-orm'
import { ConfigurationError, ConnectError, createDatabase, findDatabaseError } from '../src/index.ts'
import { type Authority, type Certified, createAuthority } from './certificates.ts'
import { firstRow } from './support.ts'
import { startTlsServer, type TlsServer } from './tls-server.ts'

let authority: Authority
let tls: TlsServer
let url: URL
let folder: string

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

async function createRole(name: string, password: string | null, encryption: string, method: string) {
  const { admin } = tls
  await admin.db.transaction(async (tx) => {
    await tx.execute(sql.raw(`set local password_encryption = '${encryption}'`))
    await tx.execute(
      sql.raw(`create role ${name} login ${password === null ? '' : `password ${literal(password)}`}`),
    )
    await tx.execute(sql.raw(`grant connect on database test_db to ${name}`))
  })
  await tls.addAccessRule(`host all ${name} all ${method}`)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'login-'))
  authority = createAuthority('The authority')
  tls = await startTlsServer()
  await tls.use(authority.issue(['localhost']))
  url = new URL((await tls.server.database()).appUrl)
  url.hostname = 'localhost'
  writeFileSync(join(folder, 'authority.pem'), authority.certificate)
  await createRole('by_scram', 'pw', 'scram-sha-256', 'scram-sha-256')
  await createRole('by_md5', 'pw', 'md5', 'md5')
  await createRole('by_password', 'pw', 'scram-sha-256', 'password')
  await createRole('by_trust', null, 'scram-sha-256', 'trust')
}, 60_000)

afterAll(async () => {
  await tls[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

interface Way {
  user: string
  password?: string
  port?: number
  [keyword: string]: string | number | undefined
}

function open({ user, password = 'pw', port = tls.server.port, ...parameters }: Way) {
  const query = new URLSearchParams(parameters as Record<string, string>)
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  const database = createDatabase({
    name: 'login',
    url: `postgresql://${login}@localhost:${port}${url.pathname}?${query}`,
    pool: { poolSize: 1, maxOverflow: 0 },
    connection: { connectTimeoutMs: 20_000 },
  })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

/** Whom the server takes the client for, else why it does not. */
async function outcomeOf(way: Way): Promise<string> {
  await using database = open(way)
  try {
    const row = await firstRow<{ user: string }>(database.db.execute(sql`select current_user as user`))
    return row.user
  } catch (thrown) {
    const error = findDatabaseError(thrown)
    if (!(error instanceof ConnectError)) throw thrown
    return `${error.sqlState ?? error.driverCode} ${error.retryable ? 'retryable' : 'final'}`
  }
}

/** Somebody who ends TLS with a certificate of his own, and begins it anew to the server. */
async function startMiddle(own: Certified) {
  const sockets: Socket[] = []
  const server = createServer((raw) => {
    sockets.push(raw.on('error', () => {}))
    raw.once('data', () => {
      raw.write('S')
      const client = new TLSSocket(raw, { isServer: true, cert: own.certificate, key: own.key })
      const upstream = connect({ host: '127.0.0.1', port: tls.server.port })
      sockets.push(upstream.on('error', () => {}))
      upstream.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
      upstream.once('data', () => {
        const encrypted = connectTls({ socket: upstream, rejectUnauthorized: false })
        client.on('error', () => encrypted.destroy())
        encrypted.on('error', () => client.destroy())
        client.pipe(encrypted).pipe(client)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe('a login', () => {
  test('is made as the server asks: by SCRAM, MD5, the password itself or nothing, over TLS and in the clear', async () => {
    const outcomes: Record<string, string> = {}
    for (const sslmode of ['require', 'disable'])
      for (const user of ['by_scram', 'by_md5', 'by_password', 'by_trust'])
        outcomes[`${user} ${sslmode}`] = await outcomeOf({ user, sslmode })
    expect(outcomes).toEqual({
      'by_scram require': 'by_scram',
      'by_md5 require': 'by_md5',
      'by_password require': 'by_password',
      'by_trust require': 'by_trust',
      'by_scram disable': 'by_scram',
      'by_md5 disable': 'by_md5',
      'by_password disable': 'by_password',
      'by_trust disable': 'by_trust',
    })
  }, 60_000)

  test('with a wrong password, or none, is refused for good', async () => {
    expect({
      scram: await outcomeOf({ user: 'by_scram', password: 'wrong' }),
      md5: await outcomeOf({ user: 'by_md5', password: 'wrong' }),
      none: await outcomeOf({ user: 'by_scram', password: '' }),
    }).toEqual({ scram: '28P01 final', md5: '28P01 final', none: 'LOGIN_NO_PASSWORD final' })
  }, 60_000)

  test.each([
    ['spaces and signs', ' p w,=\'"\\%:@/?#&+ '],
    ['letters of other scripts', 'пароль 密码 päss'],
    ['what SASLprep changes', 'I\u00adX \u2168 e\u0301 \u00a0 \uff21'],
    ['what SASLprep does not allow', 'a\u200eb\u0627c \u{1f4a7}'],
    ['a kilobyte', 'x'.repeat(1_000)],
  ])('takes a password of %s as the server does', async (_, password) => {
    await tls.admin.db.execute(sql.raw(`alter role by_scram password ${literal(password)}`))
    try {
      expect(await outcomeOf({ user: 'by_scram', password })).toBe('by_scram')
    } finally {
      await tls.admin.db.execute(sql.raw(`alter role by_scram password 'pw'`))
    }
  })

  test('is limited to the ways that require_auth allows', async () => {
    const requireAuth = 'scram-sha-256'
    expect({
      scram: await outcomeOf({ user: 'by_scram', require_auth: requireAuth }),
      password: await outcomeOf({ user: 'by_password', require_auth: requireAuth }),
      trust: await outcomeOf({ user: 'by_trust', require_auth: requireAuth }),
    }).toEqual({
      scram: 'by_scram',
      password: 'LOGIN_METHOD_REFUSED final',
      trust: 'LOGIN_METHOD_REFUSED final',
    })
  }, 60_000)
})

describe('channel binding', () => {
  const user = 'by_scram'

  test('that is required needs TLS, and a login by SCRAM', async () => {
    const channel_binding = 'require'
    expect({
      scram: await outcomeOf({ user, channel_binding, sslmode: 'require' }),
      md5: await outcomeOf({ user: 'by_md5', channel_binding, sslmode: 'require' }),
      trust: await outcomeOf({ user: 'by_trust', channel_binding, sslmode: 'require' }),
    }).toEqual({
      scram: user,
      md5: 'LOGIN_CHANNEL_BINDING final',
      trust: 'LOGIN_CHANNEL_BINDING final',
    })
    expect(() => open({ user, channel_binding, sslmode: 'disable' })).toThrow(ConfigurationError)
    await tls.use(null)
    expect(await outcomeOf({ user, channel_binding, sslmode: 'prefer' })).toBe('LOGIN_CHANNEL_BINDING final')
    await tls.use(authority.issue(['localhost']))
  }, 60_000)

  test('keeps out who stands between with a certificate that the same authority has signed', async () => {
    using middle = await startMiddle(authority.issue(['localhost']))
    const way = {
      user,
      port: middle.port,
      sslmode: 'verify-full',
      sslrootcert: join(folder, 'authority.pem'),
    }
    expect({
      disable: await outcomeOf({ ...way, channel_binding: 'disable' }),
      prefer: await outcomeOf(way),
      require: await outcomeOf({ ...way, channel_binding: 'require' }),
    }).toEqual({ disable: user, prefer: '28000 final', require: '28000 final' })
    await using database = open(way)
    expect(await database.connect().catch((thrown: unknown) => findDatabaseError(thrown)?.message)).toContain(
      'somebody stands between',
    )
  }, 60_000)
})
