import { describe, expect, test } from 'bun:test'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { createAuthority } from '../../../test/certificates.ts'
import { serverState } from '../../errors.ts'
import { type Channel, type Login, logIn } from './log-in.ts'

const certificate = Buffer.from(
  createAuthority('A')
    .issue(['localhost'])
    .certificate.replace(/-----.*?-----|\s/g, ''),
  'base64',
)
const ready = [message('R', int(0)), message('K', int(7), int(11)), message('Z', 'I')]

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from(type), int(body.length + 4), body])
}

/** What a server does with what it gets: the bytes that it answers with, in pieces; null: it hangs up. */
type Server = (received: Buffer, count: number) => Buffer[] | null | Promise<Buffer[] | null>

/** Logs in at a server in this process; gives what was made of it and what the client had sent. */
async function outcomeOf(server: Server, login: Partial<Login> = {}, isEncrypted = false) {
  const sent: Buffer[] = []
  const ended = Promise.withResolvers<void>()
  let receive: ((bytes: Buffer) => void) | null = null
  const channel: Channel = {
    isEncrypted,
    serverCertificate: isEncrypted ? certificate : null,
    closed: ended.promise,
    receive(listener) {
      receive = listener
    },
    async send(bytes) {
      const answers = await server(Buffer.from(bytes), sent.push(Buffer.from(bytes)))
      if (answers === null) ended.resolve()
      else for (const answer of answers) receive?.(answer)
    },
  }
  const { user = 'u', password = 'pw', channelBinding = 'prefer', requireAuth } = login
  const parameters = { user, database: 'd' }
  try {
    const said = await logIn(channel, { user, password, parameters, channelBinding, requireAuth })
    return { said, sent }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    return { code, message, sqlState: serverState(error), sent }
  }
}

const codeOf = async (...arguments_: Parameters<typeof outcomeOf>) => (await outcomeOf(...arguments_)).code

/** A server that asks for SCRAM, offering these mechanisms, and keeps to the rules but for what a test changes. */
function scramServer(
  mechanisms: string[],
  {
    password = 'pw',
    nonce = (own: string) => `${own}server`,
    final = (v: string) => [message('R', int(12), `v=${v}`), ...ready],
  } = {},
): Server & { readonly header: () => string } {
  let header = ''
  let bare = ''
  let first = ''
  const server: Server = (received, count) => {
    if (count === 1) return [message('R', int(10), `${mechanisms.join('\0')}\0\0`)]
    if (count === 2) {
      const [, found = '', own = ''] =
        /((?:p=[^,]*|[yn]),,)(n=,r=.*)$/.exec(received.toString('latin1')) ?? []
      header = found
      bare = own
      first = `r=${nonce(own.slice('n=,r='.length))},s=${Buffer.from('salt').toString('base64')},i=4096`
      return [message('R', int(11), first)]
    }
    const answer = received.toString('latin1', 5)
    const salted = pbkdf2Sync(password, 'salt', 4096, 32, 'sha256')
    const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const exchange = `${bare},${first},${answer.replace(/,p=.*/, '')}`
    const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
    const signature = hmac(stored, exchange)
    const proof = Buffer.from(/,p=(.*)$/.exec(answer)?.[1] ?? '', 'base64')
    const key = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)))
    if (!createHash('sha256').update(key).digest().equals(stored))
      return [message('E', 'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0')]
    return final(hmac(hmac(salted, 'Server Key'), exchange).toString('base64'))
  }
  return Object.assign(server, { header: () => header })
}

const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']
const plain = ['SCRAM-SHA-256']

describe('a login', () => {
  test('gives what the server has said since it was satisfied, and what came behind, however it arrives', async () => {
    const behind = message('S', 'TimeZone\0UTC\0')
    const all = Buffer.concat([...ready, behind])
    const bytes = Array.from(all, (byte) => Buffer.from([byte]))
    const inPieces = await outcomeOf(() => bytes)
    const atOnce = await outcomeOf(() => [Buffer.concat([message('N', 'Mhello\0\0'), all])])
    expect([inPieces.said?.equals(all), atOnce.said?.equals(all)]).toEqual([true, true])
    expect(atOnce.sent.map((one) => one.toString('latin1'))).toEqual([
      '\0\0\0\x1b\0\x03\0\0user\0u\0database\0d\0\0',
    ])
  })

  test('sends a password in the clear or as MD5 where it is asked to', async () => {
    const asked = async (...request: Buffer[]) => {
      const server: Server = (_, count) => (count === 1 ? [message('R', ...request)] : ready)
      const { sent } = await outcomeOf(server, { user: 'me', password: 'secret' })
      return sent[1]?.toString('latin1').slice(5)
    }
    expect({ clear: await asked(int(3)), md5: await asked(int(5), Buffer.from([1, 2, 3, 4])) }).toEqual({
      clear: 'secret\0',
      md5: `md5${createHash('md5')
        .update(createHash('md5').update('secretme').digest('hex'))
        .update(Buffer.from([1, 2, 3, 4]))
        .digest('hex')}\0`,
    })
  })

  test('by SCRAM is bound to TLS where both can, and says so where only the server did not offer it', async () => {
    const headerOf = async (mechanisms: string[], ...others: [Partial<Login>?, boolean?]) => {
      const server = scramServer(mechanisms)
      const { code, sent } = await outcomeOf(server, ...others)
      return code ?? `${server.header()} ${sent.length}`
    }
    const bound = 'p=tls-server-end-point,, 3'
    expect({
      prefer: await headerOf(both, {}, true),
      require: await headerOf(both, { channelBinding: 'require' }, true),
      disable: await headerOf(both, { channelBinding: 'disable' }, true),
      'prefer, taken away': await headerOf(plain, {}, true),
      'require, taken away': await headerOf(plain, { channelBinding: 'require' }, true),
      'prefer, in the clear': await headerOf(plain),
      'require, in the clear': await headerOf(plain, { channelBinding: 'require' }),
      'offered in the clear': await headerOf(both),
    }).toEqual({
      prefer: bound,
      require: bound,
      disable: 'n,, 3',
      'prefer, taken away': 'y,, 3',
      'require, taken away': 'LOGIN_CHANNEL_BINDING',
      'prefer, in the clear': 'n,, 3',
      'require, in the clear': 'LOGIN_CHANNEL_BINDING',
      'offered in the clear': 'LOGIN_CHANNEL_BINDING',
    })
  })

  test('that must be bound is none by other ways', async () => {
    const login = { channelBinding: 'require' } as const
    expect({
      nothing: await codeOf(() => ready, login, true),
      password: await codeOf(() => [message('R', int(3))], login, true),
    }).toEqual({ nothing: 'LOGIN_CHANNEL_BINDING', password: 'LOGIN_CHANNEL_BINDING' })
  })

  test('believes no server that does not prove that it knows the password', async () => {
    const forged = message('R', int(12), `v=${Buffer.alloc(32).toString('base64')}`)
    expect({
      forged: await codeOf(scramServer(plain, { final: () => [forged, ...ready] })),
      'no proof': await codeOf(scramServer(plain, { final: () => ready })),
      'no proof, before ours': await codeOf((_, count) =>
        count === 1 ? [message('R', int(10), 'SCRAM-SHA-256\0\0')] : ready,
      ),
      error: await codeOf(scramServer(plain, { final: () => [message('R', int(12), 'e=other-error')] })),
      'another nonce': await codeOf(scramServer(plain, { nonce: () => 'another' })),
      'the same nonce': await codeOf(scramServer(plain, { nonce: (own) => own })),
    }).toEqual({
      forged: 'SASL_SIGNATURE_MISMATCH',
      'no proof': 'SASL_SIGNATURE_MISMATCH',
      'no proof, before ours': 'SASL_SIGNATURE_MISMATCH',
      error: 'SASL_SIGNATURE_MISMATCH',
      'another nonce': 'LOGIN_PROTOCOL',
      'the same nonce': 'LOGIN_PROTOCOL',
    })
  })

  test('may be limited to some ways, as require_auth of libpq does', async () => {
    const trust: Server = () => ready
    const cleartext: Server = (_, count) => (count === 1 ? [message('R', int(3))] : ready)
    const by = (server: Server, requireAuth: string) =>
      codeOf(server, { requireAuth }).then((code) => code ?? 'in')
    expect({
      'scram, allowed': await by(scramServer(plain), 'scram-sha-256'),
      'scram, not allowed': await by(scramServer(plain), '!scram-sha-256'),
      'password, not allowed': await by(cleartext, 'scram-sha-256,md5'),
      'password, allowed': await by(cleartext, '!md5,!none'),
      'nothing, not allowed': await by(trust, 'password'),
      'nothing, allowed': await by(trust, 'password,none'),
    }).toEqual({
      'scram, allowed': 'in',
      'scram, not allowed': 'LOGIN_METHOD_REFUSED',
      'password, not allowed': 'LOGIN_METHOD_REFUSED',
      'password, allowed': 'in',
      'nothing, not allowed': 'LOGIN_METHOD_REFUSED',
      'nothing, allowed': 'in',
    })
  })

  test('that cannot go on says why', async () => {
    const asking =
      (...request: Buffer[]): Server =>
      () => [message('R', ...request)]
    const twice: Server = () => [message('R', int(3))]
    const outcomes = {
      kerberos: await outcomeOf(asking(int(7))),
      sspi: await outcomeOf(asking(int(9))),
      'another mechanism': await outcomeOf(asking(int(10), Buffer.from('OAUTHBEARER\0\0'))),
      'no password': await outcomeOf(asking(int(3)), { password: '' }),
      'asked twice': await outcomeOf(twice),
      'another protocol': await outcomeOf(() => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]),
      'a message without an end': await outcomeOf(() => [
        Buffer.concat([Buffer.from('R'), int(0x7f_ff_ff_ff)]),
      ]),
      'a session before the login': await outcomeOf(() => [message('Z', 'I')]),
      'hung up': await outcomeOf(() => null),
      refused: await outcomeOf(() => [message('E', 'SFATAL\0VFATAL\0C3D000\0Mno such database\0\0')]),
    }
    const codes = Object.entries(outcomes).map(([name, { code }]) => [name, code])
    expect(Object.fromEntries(codes)).toEqual({
      kerberos: 'LOGIN_UNSUPPORTED',
      sspi: 'LOGIN_UNSUPPORTED',
      'another mechanism': 'LOGIN_UNSUPPORTED',
      'no password': 'LOGIN_NO_PASSWORD',
      'asked twice': 'LOGIN_PROTOCOL',
      'another protocol': 'LOGIN_PROTOCOL',
      'a message without an end': 'LOGIN_PROTOCOL',
      'a session before the login': 'LOGIN_PROTOCOL',
      'hung up': 'CONNECTION_CLOSED',
      refused: '3D000',
    })
    expect({ gss: outcomes.kerberos.message, refused: outcomes.refused.sqlState }).toEqual({
      gss: 'The server asks for a login by gss, which is not spoken here: have pg_hba.conf ask for scram-sha-256 or cert.',
      refused: '3D000',
    })
  })
})
