import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { resolveConnectionOptions } from '../../../options.ts'
import { logIn } from '../../login/log-in.ts'
import { startupParameters } from '../../login/startup.ts'
import { parseTarget } from '../../target.ts'
import { createClient, createDriverSource } from '../driver.ts'
import type { Driver } from '../driver-query.ts'
import { DriverQuery, submitterOf } from '../driver-query.ts'
import { Wire } from '../wire.ts'

type Listener = (...values: never[]) => void

/** The members of a socket that the driver may use. */
export interface DriverSocket {
  readyState: string
  on(event: string, listener: Listener): void
  write(bytes: Uint8Array): boolean
  setKeepAlive(enabled: boolean, initialDelayMs: number): void
}

/** How a statement is handed to the driver. */
export interface Handing {
  prepare?: boolean
  simple?: boolean
  values?: boolean
}

/** A client of the driver's as the layer makes it, with all that passes between the two. */
export function createContractClient(
  socket: () => DriverSocket,
  url = 'postgres://u:p@127.0.0.1:1/d',
  onNotify: (payload: string) => void = () => {},
) {
  const source = createDriverSource(parseTarget(url), resolveConnectionOptions(), {})
  /** What the driver wrote, a text for each write: the types of the messages in it. */
  const writes: string[] = []
  const socketMembers = new Set<string>()
  const settings = new Map<string, string>()
  const notices: (string | undefined)[] = []
  let sockets = 0
  const client = createClient(source, {
    socket() {
      sockets++
      const own = socket()
      return new Proxy(own, {
        get(target, name: keyof DriverSocket) {
          socketMembers.add(name)
          const member: unknown = Reflect.get(target, name)
          if (name !== 'write') return typeof member === 'function' ? member.bind(target) : member
          return (bytes: Uint8Array) => {
            writes.push(messageTypes(bytes))
            return target.write(bytes)
          }
        },
      })
    },
    onSetting: (name, value) => settings.set(name, value),
    onNotify,
    onNotice: ({ severity }) => notices.push(severity),
  })
  const submit = submitterOf(client)

  /** Hands a statement to the driver; `answer` settles with what the driver makes of it. */
  function hand(text: string, parameters: unknown[] = [], handing: Handing = {}) {
    const { prepare = false, simple = parameters.length === 0, values = false } = handing
    const { promise: answer, resolve, reject } = Promise.withResolvers<Driver>()
    const query = new DriverQuery(text, parameters, { prepare, simple, values }, resolve, reject)
    answer.catch(() => {})
    return { query, answer, submit: () => submit(query) }
  }

  /** Hands a statement to the driver and waits for the answer. */
  async function run(text: string, parameters: unknown[] = [], handing: Handing = {}): Promise<Driver> {
    const { submit, answer } = hand(text, parameters, handing)
    submit()
    return answer
  }

  return {
    client,
    source,
    writes,
    settings,
    notices,
    socketMembers,
    sockets: () => sockets,
    submit,
    hand,
    run,
  }
}

let shared: Promise<TestDatabase> | null = null

/** A client on the test server, which has answered once. */
export async function connectContractClient(onNotify?: (payload: string) => void) {
  shared ??= withDatabase()
  const url = (await shared).adminUrl
  const target = parseTarget(url)
  const options = resolveConnectionOptions()
  const wire = new Wire(target.hosts[0], null)
  await wire.opened
  const parameters = startupParameters(target, options)
  const login = logIn(wire, { ...target, parameters, channelBinding: options.channelBinding })
  const made = createContractClient(() => wire.asSocket(login), url, onNotify)
  await made.client.unsafe('select 1')
  return { ...made, wire, [Symbol.asyncDispose]: () => wire.close(1_000) }
}

/** A server in this process that answers nothing but the login, and what a test has it send. */
export class ScriptedSocket implements DriverSocket {
  readonly readyState = 'open'
  #data: (bytes: Buffer) => void = () => {}

  on(event: string, listener: Listener): void {
    if (event === 'data') this.#data = listener as (bytes: Buffer) => void
  }

  write(): boolean {
    return true
  }

  setKeepAlive(): void {}

  /** Has the server send messages: the type of each, and its body. */
  send(...messages: [type: string, ...body: (number | string)[]][]): void {
    this.#data(Buffer.concat(messages.map(([type, ...body]) => message(type, body))))
  }
}

/** The backend that a scripted server gives. */
export const backend = { pid: 7, secret: 11 }

/** A client that has logged in at a scripted server. */
export async function connectScripted() {
  const socket = new ScriptedSocket()
  const made = createContractClient(() => socket)
  const first: Driver = made.client.unsafe('select 1')
  first.catch(() => {})
  await written(made.writes, 1)
  const logIn = (): void => socket.send(['R', 0], ['K', backend.pid, backend.secret], ['Z', 'I'])
  /** Answers a statement without rows. */
  const answer = (): void => socket.send(['C', 'SELECT 0\0'], ['Z', 'I'])
  return { ...made, socket, first, logIn, answer }
}

/** What was thrown, to look at. */
export const thrown = (error: unknown) => error as Record<string, unknown> & Error

/** Waits until that many writes were made; the test's own timeout ends it. */
export async function written(writes: readonly string[], count: number): Promise<void> {
  while (writes.length < count) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Lets the driver's writes of this turn go out. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

function message(type: string, body: readonly (number | string)[]): Buffer {
  const parts = body.map((part) => {
    if (typeof part === 'string') return Buffer.from(part)
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(part)
    return bytes
  })
  const content = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(4 + content.length, 1)
  return Buffer.concat([head, content])
}

/** The types of the messages in what a client writes; `startup` for the first of a connection, which has none. */
function messageTypes(bytes: Uint8Array): string {
  if (bytes[0] === 0) return 'startup'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let types = ''
  for (let at = 0; at < bytes.length; at += 1 + view.getInt32(at + 1))
    types += String.fromCharCode(bytes[at] as number)
  return types
}
