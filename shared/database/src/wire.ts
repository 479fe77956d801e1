import { connect, type Socket } from 'node:net'
import type { Target } from './target.ts'
import { secure, settled, type TlsSettings } from './tls.ts'

/** A connection to the server below the protocol: TCP, and TLS on it. */
export class Wire {
  /** Settles when it can be talked over; rejects with the socket's or TLS' error, also when it is destroyed before. */
  readonly opened: Promise<Socket>
  readonly #tcp: Socket
  #socket: Socket | null = null

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

  /** Says something between what the driver says; it must have said all it has to. */
  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes)
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
      return this.#socket
    } catch (error) {
      tcp.destroy()
      throw error
    }
  }
}
