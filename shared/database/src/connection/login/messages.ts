import { type Deferred, deferred } from '@shared/pool'
/** A message of the server. */
export interface Message {
  /** `R`, `E` … */
  readonly type: string
  readonly body: Buffer
  /** All of it, as it came. */
  readonly bytes: Buffer
}

// All that a server says until a session begins; in no message is anything long.
const typesOfLogin = 'RENSKZv'
const longestBytes = 64 * 1024

/** Takes the bytes of a login apart into messages, one reader at a time. */
export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0)
  #error: Error | null = null
  #waiting: Deferred<void> | null = null

  push(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    this.#waiting?.resolve()
  }

  /** No more comes: who waits, and who asks when all is read, gets the error. */
  fail(error: Error): void {
    this.#error ??= error
    this.#waiting?.resolve()
  }

  /** The next message. @throws what `fail` was given; an error with the code LOGIN_PROTOCOL for what is no message of a login. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#take()
      if (message) return message
      if (this.#error) throw this.#error
      this.#waiting = deferred()
      await this.#waiting.promise
    }
  }

  /** What came behind the last message that was taken. */
  rest(): Buffer {
    return this.#bytes
  }

  #take(): Message | null {
    const bytes = this.#bytes
    if (bytes.length < 5) return null
    const type = bytes.toString('latin1', 0, 1)
    const length = bytes.readUInt32BE(1)
    if (!typesOfLogin.includes(type) || length < 4 || length > longestBytes)
      throw loginError(
        'LOGIN_PROTOCOL',
        'What answers there is not a PostgreSQL server, or somebody stands between.',
      )
    if (bytes.length < length + 1) return null
    this.#bytes = bytes.subarray(length + 1)
    return { type, body: bytes.subarray(5, length + 1), bytes: bytes.subarray(0, length + 1) }
  }
}

// Minor version 0: cancel keys of four bytes, which every pooler knows.
const protocolVersion = 3 << 16

/** The first message of a session: who logs in where, and the settings that it begins with. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  const body = Buffer.from(`${pairs.join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(protocolVersion, 4)
  return Buffer.concat([head, body])
}

/** A password, in whichever form it was asked for. */
export const passwordMessage = (password: string): Buffer => responseMessage(Buffer.from(`${password}\0`))

/** The first message of SASL: the mechanism, and what it begins with. */
export function saslInitialMessage(mechanism: string, data: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(Buffer.byteLength(data))
  return responseMessage(Buffer.concat([Buffer.from(`${mechanism}\0`), length, Buffer.from(data)]))
}

/** A further message of SASL. */
export const saslMessage = (data: string): Buffer => responseMessage(Buffer.from(data))

function responseMessage(body: Buffer): Buffer {
  const head = Buffer.from('p\0\0\0\0', 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const errorFields: Readonly<Record<string, string>> = {
  S: 'severity_local',
  V: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  R: 'routine',
}

/** The error that a server's ErrorResponse is, with the protocol's fields that `serverState` reads. */
export function serverError(body: Buffer): Error {
  const fields: Record<string, string> = {}
  let message = ''
  for (const field of body.toString('utf8').split('\0')) {
    const name = errorFields[field[0] ?? '']
    if (name) fields[name] = field.slice(1)
    else if (field[0] === 'M') message = field.slice(1)
  }
  return Object.assign(new Error(message), fields)
}

/** Why a login cannot go on, in words for its user. */
export type LoginErrorCode =
  | 'LOGIN_PROTOCOL'
  | 'LOGIN_NO_PASSWORD'
  | 'LOGIN_UNSUPPORTED'
  | 'LOGIN_METHOD_REFUSED'
  | 'LOGIN_CHANNEL_BINDING'
  | 'SASL_SIGNATURE_MISMATCH'

/** The error of a login that cannot go on: trying again would not help. */
export const loginError = (
  code: LoginErrorCode,
  message: string,
): Error & { readonly code: LoginErrorCode } => Object.assign(new Error(message), { code })
