import { createHash } from 'node:crypto'
import { allowsMethod, type LoginMethod } from '../connection-string/require-auth.ts'
import { chooseMechanism, type Encryption, unbound } from './mechanism.ts'
import {
  loginError,
  type Message,
  MessageReader,
  passwordMessage,
  saslInitialMessage,
  saslMessage,
  serverError,
  startupMessage,
} from './messages.ts'
import { createScram, unproven } from './scram.ts'

/** What a login talks over. */
export interface Channel extends Encryption {
  send(bytes: Uint8Array): void
  /** From now on what arrives goes to the listener; with null it is kept for the next one. */
  receive(listener: ((bytes: Buffer) => void) | null): void
  /** Settles when it has ended. */
  readonly closed: Promise<void>
}

export interface Login {
  readonly user: string
  readonly password: string
  /** All that the session begins with, user and database included. */
  readonly parameters: Readonly<Record<string, string>>
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  /** As require_auth of libpq has it; undefined: any way. */
  readonly requireAuth: string | undefined
}

/**
 * Logs in: says who it is, and proves it as the server asks, by password (in the clear, MD5, SCRAM-SHA-256, bound to TLS where
 * both can) or by nothing more.
 *
 * @returns What the server has said since it was satisfied, up to the end of the login: AuthenticationOk, its settings, the key to
 *   cancel with, ReadyForQuery, and what came behind them.
 * @throws the server's refusal, as `serverState` reads it; an error with a `LoginErrorCode`; CONNECTION_CLOSED.
 * @see PostgreSQL, "Message Flow", Start-up
 */
export async function logIn(channel: Channel, login: Login): Promise<Buffer> {
  const messages = new MessageReader()
  channel.receive((bytes) => messages.push(bytes))
  void channel.closed.then(() => messages.fail(closedByServer()))
  channel.send(startupMessage(login.parameters))
  const server = { next: () => nextMessage(messages), send: channel.send.bind(channel) }
  const said = [await authenticate(server, channel, login)]
  while (said.at(-1)?.type !== 'Z') said.push(await server.next())
  channel.receive(null)
  return Buffer.concat([...said.map(({ bytes }) => bytes), messages.rest()])
}

interface Server {
  next(): Promise<Message>
  send(bytes: Uint8Array): void
}

async function nextMessage(messages: MessageReader): Promise<Message> {
  const message = await messages.next()
  if (message.type === 'E') throw serverError(message.body)
  return message
}

/** Answers what the server asks until it is satisfied. @returns Its AuthenticationOk. */
async function authenticate(server: Server, encryption: Encryption, login: Login): Promise<Message> {
  let isAsked = false
  let isBound = false
  for (;;) {
    const message = await nextRequest(server)
    const request = message.body.readUInt32BE(0)
    if (request === requests.ok) {
      if (!isAsked) checkMethod('none', login.requireAuth)
      if (login.channelBinding === 'require' && !isBound) throw unbound()
      return message
    }
    if (isAsked)
      throw loginError('LOGIN_PROTOCOL', 'The server asks for a login twice: somebody may stand between.')
    isAsked = true
    if (request === requests.sasl) isBound = await proveByScram(server, message.body, encryption, login)
    else sendPassword(server, request, message.body, login)
  }
}

/** The next message about the login; notices and the like may come between. */
async function nextRequest(server: Server): Promise<Message> {
  for (;;) {
    const message = await server.next()
    if (message.type === 'R' && message.body.length >= 4) return message
    if (message.type !== 'N' && message.type !== 'v')
      throw loginError(
        'LOGIN_PROTOCOL',
        'The server begins a session before the login: somebody may stand between.',
      )
  }
}

const requests = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 }
const unsupported: Readonly<Record<number, 'gss' | 'sspi'>> = { 2: 'gss', 7: 'gss', 8: 'gss', 9: 'sspi' }

function sendPassword(server: Server, request: number, body: Buffer, login: Login): void {
  if (request !== requests.cleartext && request !== requests.md5) {
    const method = unsupported[request] ?? `request ${request}`
    throw loginError(
      'LOGIN_UNSUPPORTED',
      `The server asks for a login by ${method}, which is not spoken here: have pg_hba.conf ask for scram-sha-256 or cert.`,
    )
  }
  checkMethod(request === requests.md5 ? 'md5' : 'password', login.requireAuth)
  if (login.channelBinding === 'require') throw unbound()
  const password = givenPassword(login)
  server.send(
    passwordMessage(request === requests.md5 ? md5Of(login.user, password, body.subarray(4)) : password),
  )
}

/** @returns Whether the login is bound to its TLS connection. */
async function proveByScram(
  server: Server,
  body: Buffer,
  encryption: Encryption,
  login: Login,
): Promise<boolean> {
  checkMethod('scram-sha-256', login.requireAuth)
  const offered = body.toString('latin1', 4).split('\0').filter(Boolean)
  const { mechanism, binding } = chooseMechanism(offered, encryption, login.channelBinding)
  const scram = createScram(givenPassword(login), binding)
  server.send(saslInitialMessage(mechanism, scram.first))
  server.send(saslMessage(await scram.prove(await nextOfSasl(server, requests.saslContinue))))
  scram.verify(await nextOfSasl(server, requests.saslFinal))
  return binding.data.length > 0
}

/** What the server says in the next step of SASL; satisfied before that, it has proved nothing. */
async function nextOfSasl(server: Server, expected: number): Promise<string> {
  const { body } = await nextRequest(server)
  if (body.readUInt32BE(0) !== expected) throw unproven()
  return body.toString('utf8', 4)
}

function checkMethod(method: LoginMethod, requireAuth: string | undefined): void {
  if (allowsMethod(requireAuth, method)) return
  const asked = method === 'none' ? 'asks for no login at all' : `asks for a login by ${method}`
  throw loginError(
    'LOGIN_METHOD_REFUSED',
    `The server ${asked}, which require_auth does not allow: ${requireAuth}.`,
  )
}

function givenPassword({ password }: Login): string {
  if (password !== '') return password
  throw loginError('LOGIN_NO_PASSWORD', 'The server asks for a password, and none is given.')
}

function md5Of(user: string, password: string, salt: Buffer): string {
  const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex')
  const inner = md5(Buffer.from(password + user))
  return `md5${md5(Buffer.concat([Buffer.from(inner), salt]))}`
}

const closedByServer = (): Error =>
  Object.assign(new Error('The server closed the connection.'), { code: 'CONNECTION_CLOSED' })
