import { connect, type Socket } from 'node:net'
import type { Target } from './target.ts'
import { secure, settled, type TlsSettings } from './tls.ts'

/** A connection to the server below the protocol: TCP, and TLS on it. */
export class Wire {
  /** Settles when it can be talked over; rejects with the socket's or TLS' error, also when it is destroyed before. */
  readonly opened: Promise<Socket>
  readonly #tcp: Socket
  #socket: Socket | null = null
  #ahead: Uint8Array | null = null

  constructor(target: Target, tls: TlsSettings | null) {
    this.#tcp = connect({ host: target.host, port: target.port })
    this.opened = this.#open(tls)
    // Who destroys it before need not wait for it.
    this.opened.catch(() => {})
  }

  /** Whether TLS is on. */
  get isEncrypted(): boolean {
    return this.#socket !== null && this.#socket !== this.#tcp
  }

  /** Bytes received so far. */
  get bytesRead(): number {
    return this.#tcp.bytesRead
  }

  /** Says something in one piece with what the driver says next; it must have said all it had to. */
  writeAhead(bytes: Uint8Array): void {
    this.#ahead = bytes
  }

  /** Ends it at once, without a goodbye. */
  destroy(): void {
    this.#socket?.destroy()
    this.#tcp.destroy()
  }

  async #open(tls: TlsSettings | null): Promise<Socket> {
    const tcp = this.#tcp
    try {
      await settled<void>(tcp, (resolve) => tcp.once('connect', () => resolve()))
      tcp.setNoDelay(true)
      this.#socket = tls ? await secure(tcp, tls) : tcp
      this.#prefix(this.#socket)
      return this.#socket
    } catch (error) {
      tcp.destroy()
      throw error
    }
  }

  /** A packet of its own would cost a system call here and one at the server: more than all else that BEGIN does. */
  #prefix(socket: Socket): void {
    const { write } = socket
    socket.write = ((bytes: Uint8Array, ...rest: []) => {
      const ahead = this.#ahead
      this.#ahead = null
      return write.call(socket, ahead ? Buffer.concat([ahead, bytes]) : bytes, ...rest)
    }) as Socket['write']
  }
}
