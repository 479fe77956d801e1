import { connect, type Socket } from 'node:net'
import { bounded } from '@shared/pool'
import type { Target } from '../target.ts'
import { secure, settled, type TlsSettings } from '../tls.ts'

type Listener = (...values: never[]) => void

const terminate = Buffer.from([0x58, 0, 0, 0, 4])

/**
 * A connection to the server below the protocol: TCP, and TLS on it.
 *
 * To the driver it is a socket that never ends: what an end means is not left to it, because it would connect again, write
 * on a socket that it no longer has, or leave statements without an answer (porsager/postgres issues 1097, 1186, 1208).
 */
export class Wire {
  /** Settles when it can be used; rejects with the socket's or TLS' error, also when it is destroyed before. */
  readonly opened: Promise<void>
  readonly #tcp: Socket
  readonly #onLost: (cause: unknown) => void
  #socket: Socket | null = null
  #ahead: Uint8Array | null = null
  #data: ((bytes: Buffer) => void) | null = null
  #error: unknown = null
  #isCut = false
  #roundTripMs = 0
  readonly #ended = Promise.withResolvers<void>()

  /** @param onLost Called once when the socket ends after it was opened, no matter which side ended it. */
  constructor(target: Target, tls: TlsSettings | null, onLost: (cause: unknown) => void = () => {}) {
    this.#tcp = connect({ host: target.host, port: target.port })
    this.#onLost = onLost
    this.#tcp.once('close', this.#ended.resolve)
    this.opened = this.#open(tls)
    // Who destroys it before need not wait for it.
    this.opened.catch(() => {})
  }

  /** Settles when the socket has ended, for any reason. */
  get closed(): Promise<void> {
    return this.#ended.promise
  }

  /** Whether it was opened. */
  get isOpen(): boolean {
    return this.#socket !== null
  }

  /** Whether TLS is on. */
  get isEncrypted(): boolean {
    return this.#socket !== null && this.#socket !== this.#tcp
  }

  /** Whether it ended by an error. */
  get failed(): boolean {
    return this.#error !== null
  }

  /** How long the way there and back took when it was opened. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /** Bytes received so far. */
  get bytesRead(): number {
    return this.#tcp.bytesRead
  }

  /** Sends bytes in one packet with the driver's next; everything the driver had to send must have been sent. */
  writeAhead(bytes: Uint8Array): void {
    this.#ahead = bytes
  }

  /** Sends bytes at once. */
  send(bytes: Uint8Array): void {
    if (!this.#isCut) this.#socket?.write(bytes)
  }

  /** Delivers nothing more and sends nothing more; the socket stays open until it is closed or destroyed. */
  cut(): void {
    this.#isCut = true
    this.#data = null
  }

  /** Ends it in order, and waits for the server's end up to `timeoutMs`; what has not ended then is destroyed. */
  async close(timeoutMs: number): Promise<void> {
    this.cut()
    if (this.#socket?.writable) {
      this.#socket.end(terminate)
      await bounded(this.closed, timeoutMs).catch(() => {})
    }
    this.destroy()
  }

  /** Lets the process end while it is open. */
  unref(): void {
    this.#tcp.unref()
  }

  /** Ends it at once, without a message to the server. */
  destroy(): void {
    this.cut()
    this.#socket?.destroy()
    this.#tcp.destroy()
  }

  /** The members of a socket that the driver uses. */
  asSocket() {
    const wire = this
    return {
      readyState: 'open',
      on(event: string, listener: Listener) {
        if (event === 'data') wire.#data = listener as (bytes: Buffer) => void
        if (event === 'drain') wire.#socket?.on('drain', listener)
      },
      write(bytes: Uint8Array): boolean {
        if (wire.#isCut) return true
        const ahead = wire.#ahead
        wire.#ahead = null
        return wire.#socket?.write(ahead ? Buffer.concat([ahead, bytes]) : bytes) ?? true
      },
      setKeepAlive(enabled: boolean, initialDelayMs: number) {
        wire.#tcp.setKeepAlive(enabled, initialDelayMs)
      },
      // Called after a login that can't be trusted: its error has been reported by then.
      destroy: () => wire.destroy(),
    }
  }

  async #open(tls: TlsSettings | null): Promise<void> {
    const tcp = this.#tcp
    const startedAt = performance.now()
    try {
      await settled<void>(tcp, (resolve) => tcp.once('connect', () => resolve()))
      this.#roundTripMs = performance.now() - startedAt
      tcp.setNoDelay(true)
      const socket = tls ? await secure(tcp, tls) : tcp
      this.#socket = socket
      socket.on('data', (bytes: Buffer) => this.#data?.(bytes))
      socket.on('error', (error) => {
        this.#error ??= error
      })
      socket.once('close', () => {
        this.#ended.resolve()
        this.#onLost(this.#error)
      })
    } catch (error) {
      tcp.destroy()
      throw error
    }
  }
}
