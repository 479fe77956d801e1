import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { bounded, deferred } from '@shared/pool'
import { type Address, type Dial, dial, givenUp } from '../network/dial.ts'
import { secure } from '../network/tls.ts'
import type { TlsSettings } from '../network/tls-settings.ts'
import type { Host } from '../target.ts'

type Listener = (...values: never[]) => void

const terminate = Buffer.from([0x58, 0, 0, 0, 4])

/**
 * A connection to the server below the protocol: TCP or a Unix socket, and TLS on it.
 *
 * To the driver it is a socket that never ends: what an end means is not left to it, because it would connect again, write
 * on a socket that it no longer has, or leave statements without an answer (porsager/postgres issues 1097, 1186, 1208).
 */
export class Wire {
  /** Settles when it can be used; rejects with the socket's or TLS' error, also when it is destroyed before. */
  readonly opened: Promise<void>
  readonly #dial: Dial
  readonly #onLost: (cause: unknown) => void
  #address: Address | null = null
  /** The socket below TLS. */
  #raw: Socket | null = null
  #socket: Socket | null = null
  #ahead: Uint8Array | null = null
  #data: ((bytes: Buffer) => void) | null = null
  /** What arrived while nobody listened. */
  #held: Buffer[] = []
  #error: unknown = null
  #isCut = false
  #roundTripMs = 0
  readonly #ended = deferred<void>()
  #onData: ((bytes: Buffer) => void) | null = null

  /**
   * @param place A host, or the address that another wire leads to.
   * @param onLost Called once when the socket ends after it was opened, no matter which side ended it.
   */
  constructor(place: Host | Address, tls: TlsSettings | null, onLost: (cause: unknown) => void = () => {}) {
    this.#dial = dial(place)
    this.#onLost = onLost
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

  /** Where it leads, once it is connected. */
  get address(): Address | null {
    return this.#address
  }

  /** Each address that was tried, and what became of it. */
  get tried(): readonly string[] {
    return this.#dial.tried()
  }

  /** Whether TLS is on. */
  get isEncrypted(): boolean {
    return this.#socket !== null && this.#socket !== this.#raw
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
    return this.#raw?.bytesRead ?? 0
  }

  /** Reads along what the server sends, each time after the driver has. */
  listen(onData: (bytes: Buffer) => void): void {
    this.#onData = onData
  }

  /** Sends bytes in one packet with the driver's next; everything the driver had to send must have been sent. */
  writeAhead(bytes: Uint8Array): void {
    this.#ahead = bytes
  }

  /** Sends bytes at once; false where more should wait until it is drained. */
  send(bytes: Uint8Array): boolean {
    return this.#isCut || (this.#socket?.write(bytes) ?? true)
  }

  /** Settles when what was sent has gone out, or never will. */
  drained(): Promise<void> {
    const socket = this.#socket
    if (this.#isCut || !socket?.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
  }

  /** Reads nothing more until `resume()`: the server has to wait. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Takes over what arrives, from a driver that waits for nothing, until it is given back. */
  borrow(onData: (bytes: Buffer) => void): { toDriver(bytes: Buffer): void; giveBack(): void } {
    const driver = this.#data
    this.#data = onData
    return {
      toDriver: (bytes) => driver?.(bytes),
      giveBack: () => {
        if (!this.#isCut) this.#data = driver
      },
    }
  }

  /** Delivers nothing more and sends nothing more; the socket stays open until it is closed or destroyed. */
  cut(): void {
    this.#isCut = true
    // Its end is behind what was not read.
    this.#socket?.resume()
    this.#onData = null
    this.#data = null
    this.#held = []
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

  /** Keeps the process alive while it is open, as it does from the beginning. */
  ref(): void {
    this.#raw?.ref()
    this.#socket?.ref()
  }

  /** Lets the process end while it is open. */
  unref(): void {
    this.#raw?.unref()
    this.#socket?.unref()
  }

  /** Ends it at once, without a message to the server. */
  destroy(): void {
    this.cut()
    this.#dial.abort()
    this.#socket?.destroy()
    this.#raw?.destroy()
  }

  /** The certificate that the server has shown, DER; null without TLS. */
  get serverCertificate(): Buffer | null {
    if (!this.isEncrypted) return null
    return (this.#socket as TLSSocket).getPeerCertificate().raw ?? null
  }

  /** From now on what arrives goes to the listener; with null it is kept for the next one. */
  receive(listener: ((bytes: Buffer) => void) | null): void {
    if (this.#isCut) return
    this.#data = listener
    if (listener) for (const bytes of this.#held.splice(0)) listener(bytes)
  }

  /**
   * The members of a socket that the driver uses. Its login is made in its place: the StartupMessage that it sends goes nowhere, and
   * it is told what the server has said at the end of the other.
   */
  asSocket(login: Promise<Buffer>) {
    const wire = this
    let toDriver: (bytes: Buffer) => void = () => {}
    let hasBegun = false
    function begin(): void {
      hasBegun = true
      // Never in the turn of its write, whose bytes it has yet to forget.
      login.then(
        (said) => {
          if (wire.#isCut) return
          toDriver(said)
          wire.receive(toDriver)
        },
        () => {},
      )
    }
    return {
      readyState: 'open',
      on(event: string, listener: Listener) {
        if (event === 'data') toDriver = listener as (bytes: Buffer) => void
        if (event === 'drain') wire.#socket?.on('drain', listener)
      },
      write(bytes: Uint8Array): boolean {
        if (wire.#isCut) return true
        if (!hasBegun) {
          begin()
          return true
        }
        const ahead = wire.#ahead
        wire.#ahead = null
        return wire.#socket?.write(ahead ? Buffer.concat([ahead, bytes]) : bytes) ?? true
      },
      setKeepAlive(enabled: boolean, initialDelayMs: number) {
        wire.#raw?.setKeepAlive(enabled, initialDelayMs)
      },
    }
  }

  async #open(tls: TlsSettings | null): Promise<void> {
    try {
      const { socket: raw, address, roundTripMs } = await this.#dial.opened
      // Destroyed in this turn.
      if (raw.destroyed) throw givenUp()
      this.#raw = raw
      this.#address = address
      this.#roundTripMs = roundTripMs
      raw.once('close', this.#ended.resolve)
      raw.setNoDelay(true)
      const socket = tls ? await secure(raw, tls) : raw
      this.#socket = socket
      socket.on('data', (bytes: Buffer) => {
        if (this.#data) this.#data(bytes)
        else if (!this.#isCut) this.#held.push(bytes)
        // What it answers before it ends the session is an answer.
        this.#onData?.(bytes)
      })
      socket.on('error', (error) => {
        this.#error ??= error
      })
      socket.once('close', () => {
        this.#ended.resolve()
        this.#onLost(this.#error)
      })
    } catch (error) {
      if (this.#raw) this.#raw.destroy()
      else this.#ended.resolve()
      throw error
    }
  }
}
