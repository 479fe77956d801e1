import { connect, type Socket } from 'node:net'

/** One request as its client saw it; times are of `performance.now()`. */
export interface Exchange {
  id: string
  startedAt: number
  endedAt: number
  /** The first on its connection. */
  fresh: boolean
  /** 0: the connection ended after the request was sent and before it was answered. */
  status: number
  contentType: string
  body: string
}

interface Answer {
  status: number
  contentType: string
  body: string
  closes: boolean
}

/** The connection could not be made, so that no request was sent. */
export class NotConnected extends Error {}

/**
 * A client of one connection, kept alive for as long as the service lets it: `fetch` would repeat a request by itself
 * when its connection is lost, and hide that.
 */
export class KeepAliveClient {
  readonly #url: URL
  #socket: Socket | null = null
  #received = ''
  #onChange = () => {}

  constructor(url: URL) {
    this.#url = url
  }

  /** @throws {NotConnected} */
  async get(path: string, id: string): Promise<Exchange> {
    const present = this.#socket
    const socket = await this.#connected()
    const startedAt = performance.now()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#url.host}\r\nX-Request-Id: ${id}\r\n\r\n`)
    const answer = await this.#answer(socket)
    const endedAt = performance.now()
    if (answer === null || answer.closes) this.close()
    const { status = 0, contentType = '', body = '' } = answer ?? {}
    return { id, startedAt, endedAt, fresh: socket !== present, status, contentType, body }
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  async #connected(): Promise<Socket> {
    const present = this.#socket
    if (present !== null && !present.destroyed && !present.readableEnded) return present
    const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', (cause) => reject(new NotConnected('no connection', { cause })))
    })
    this.#received = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1')
      this.#onChange()
    })
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#onChange())
    this.#socket = socket
    return socket
  }

  /** The next complete answer, or null when the connection ended before. */
  #answer(socket: Socket): Promise<Answer | null> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        const answer = this.#take()
        if (answer !== null || socket.destroyed) resolve(answer)
      }
      this.#onChange()
    })
  }

  #take(): Answer | null {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return null
    const head = this.#received.slice(0, headEnd)
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    const end = headEnd + 4 + length
    if (this.#received.length < end) return null
    const body = this.#received.slice(headEnd + 4, end)
    this.#received = this.#received.slice(end)
    return {
      status: Number(head.slice(9, 12)),
      contentType: /^content-type: *(.+)$/im.exec(head)?.[1] ?? '',
      body,
      closes: /^connection: *close/im.test(head),
    }
  }
}
