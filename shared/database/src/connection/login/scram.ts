import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { loginError } from './messages.ts'

/** How a login is bound to its TLS connection: the header of SCRAM's messages, and the data that goes with it. */
export interface Binding {
  /** `p=tls-server-end-point,,` bound; `y,,` could be, but the server did not offer it; `n,,` not. */
  readonly header: string
  readonly data: Buffer
}

/** The client's side of one SCRAM-SHA-256 exchange. */
export interface Scram {
  /** The client's first message. */
  readonly first: string
  /** Its proof that it knows the password. @param serverFirst What the server answered. */
  prove(serverFirst: string): Promise<string>
  /** Checks that the server knows the password too. @throws an error with the code SASL_SIGNATURE_MISMATCH. */
  verify(serverFinal: string): void
}

// Off the event loop: it is meant to take long.
const derive = promisify(pbkdf2)
// Seconds of work, which somebody who only says to be the server could ask for.
const mostIterations = 10_000_000

/**
 * Begins a login by SCRAM-SHA-256.
 *
 * @see RFC 5802, RFC 7677; PostgreSQL sends the user in the StartupMessage, so none is here
 */
export function createScram(password: string, { header, data }: Binding): Scram {
  const nonce = randomBytes(18).toString('base64')
  const bare = `n=,r=${nonce}`
  let expected: Buffer | null = null
  return {
    first: header + bare,
    async prove(serverFirst) {
      const [, wholeNonce = '', salt = '', count = ''] =
        /^r=([^,]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})$/.exec(serverFirst) ?? []
      const iterations = Number(count)
      if (
        !wholeNonce.startsWith(nonce) ||
        wholeNonce === nonce ||
        iterations < 1 ||
        iterations > mostIterations
      )
        throw loginError(
          'LOGIN_PROTOCOL',
          'The server’s part of SCRAM is not as it must be: somebody may stand between.',
        )
      const salted = await derive(
        await prepared(password),
        Buffer.from(salt, 'base64'),
        iterations,
        32,
        'sha256',
      )
      const clientKey = hmac(salted, 'Client Key')
      const channel = Buffer.concat([Buffer.from(header), data]).toString('base64')
      const withoutProof = `c=${channel},r=${wholeNonce}`
      const exchange = `${bare},${serverFirst},${withoutProof}`
      const signature = hmac(createHash('sha256').update(clientKey).digest(), exchange)
      expected = hmac(hmac(salted, 'Server Key'), exchange)
      return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`
    },
    verify(serverFinal) {
      const given = Buffer.from(/^v=([A-Za-z0-9+/]+={0,2})$/.exec(serverFinal)?.[1] ?? '', 'base64')
      if (expected === null || given.length !== expected.length || !timingSafeEqual(given, expected))
        throw unproven()
    },
  }
}

/** The server did not show that it knows the password: it may be somebody else. */
export const unproven = (): Error =>
  loginError(
    'SASL_SIGNATURE_MISMATCH',
    'The server did not prove that it knows the password: it may be somebody else.',
  )

/**
 * The password as PostgreSQL hashes it: by SASLprep, and as it is where that is not possible.
 *
 * @see RFC 4013; PostgreSQL, "SCRAM-SHA-256 Authentication"
 */
async function prepared(password: string): Promise<string> {
  if (/^[\x20-\x7e]*$/.test(password)) return password
  // Its tables are large, and most passwords need none.
  const { saslprep } = await import('@mongodb-js/saslprep')
  try {
    return saslprep(password) || password
  } catch {
    return password
  }
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const xor = (left: Buffer, right: Buffer): Buffer =>
  Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)))
