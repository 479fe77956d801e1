import { bounded, deferred } from '@shared/pool'
import { ConnectionLostError } from '../../errors.ts'
import type { CopyExchange } from '../copy-exchange.ts'
import { CopyReader, message, rowsOf } from './copy-messages.ts'
import { serverErrorOf } from './driver.ts'
import type { Wire } from './wire.ts'

export interface CopyOptions {
  readonly wire: Wire
  /** Ends the connection, and what its backend is at. */
  readonly destroy: () => Promise<void>
  /** Called once when the server has answered. */
  readonly onOver: () => void
}

// A server that has not answered by then is frozen, or at something that can't be interrupted.
const answerMs = 2_000
/** What may have arrived and not been read. */
const mostHeldBytes = 1_048_576
const fewHeldBytes = mostHeldBytes / 4

const type = {
  in: 0x47,
  out: 0x48,
  complete: 0x43,
  error: 0x45,
  ready: 0x5a,
  setting: 0x53,
  notification: 0x41,
  notice: 0x4e,
}

/** What is not about the COPY itself. */
const forDriver = new Set([type.setting, type.notification, type.notice])

/**
 * One COPY, beside the driver: it takes over what arrives, and gives that back when the server is ready for the next statement. The driver's own
 * COPY takes an error in the middle for the answer to its stream, and writes on while the server has long refused.
 *
 * @see PostgreSQL, "Protocol Flow", COPY Operations
 */
export class Copy implements CopyExchange {
  onOver: (() => void) | null = null
  readonly #options: CopyOptions
  readonly #driver: { toDriver(bytes: Buffer): void; giveBack(): void }
  readonly #started = deferred<void>()
  readonly #over = deferred<number>()
  #direction: 'in' | 'out' | null = null
  #rows = 0
  #error: unknown = null
  #isOver = false
  /** Whether all was sent: then it may be stored. */
  #isEnded = false
  #isComplete = false
  #held: Buffer[] = []
  #heldBytes = 0
  #isPaused = false
  #arrived = deferred<void>()
  /** Since when the server is waited for, on performance.now's clock; 0: it is not. */
  #waitingSince = 0

  constructor(options: CopyOptions) {
    this.#options = options
    this.#over.promise.catch(() => {})
    this.#started.promise.catch(() => {})
    const reader = new CopyReader({
      data: (bytes) => this.#data(bytes),
      message: (kind, body, whole) => this.#message(kind, body, whole),
    })
    this.#driver = options.wire.borrow((bytes) => {
      if (this.#waitingSince > 0) this.#waitingSince = performance.now()
      reader.read(bytes)
    })
  }

  get direction(): 'in' | 'out' {
    return this.#direction ?? 'in'
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Sends the statement; settles when the server is ready for it. */
  async start(text: string): Promise<void> {
    this.#options.wire.send(message('Q', `${text}\0`))
    await this.#waited(this.#started.promise)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#throwIfOver()
    if (this.#options.wire.send(message('d', bytes))) return
    // Also after an error: what is left of the copy the server reads, and forgets.
    await this.#waited(this.#options.wire.drained())
    this.#throwIfOver()
  }

  async end(): Promise<number> {
    this.#throwIfOver()
    this.#isEnded = true
    this.#options.wire.send(message('c'))
    return await this.#waited(this.#over.promise)
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#heldBytes === 0 && !this.#isOver) {
      this.#arrived = deferred()
      await this.#waited(this.#arrived.promise)
    }
    if (this.#heldBytes === 0) {
      await this.#over.promise
      return null
    }
    const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.#flow()
    return bytes
  }

  async abandon(): Promise<void> {
    if (this.#isOver) return
    // What the server sends, or stores, is ended by a cancellation only.
    if (this.#direction !== 'in' || this.#isEnded) return await this.#options.destroy()
    this.#options.wire.send(message('f', 'given up by the client\0'))
    await bounded(this.#over.promise, answerMs).catch(() => {})
    if (!this.#isOver) await this.#options.destroy()
  }

  /** The connection is lost. */
  lose(cause: unknown): void {
    if (this.#isOver) return
    const outcome = this.#isEnded || this.#isComplete ? 'unknown' : 'rolled-back'
    const copied =
      'The connection was lost in the middle of a COPY. Nothing of it was stored: repeating the whole is safe.'
    this.#error = new ConnectionLostError(outcome, {
      cause,
      ...(outcome === 'rolled-back' && { message: copied }),
    })
    this.#finish()
  }

  /** How long the server has been silent while it is waited for. */
  silentForMs(now: number): number {
    return this.#waitingSince > 0 ? now - this.#waitingSince : 0
  }

  #data(bytes: Buffer): void {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    this.#flow()
    this.#arrived.resolve()
  }

  /** Nothing more is read from the socket while what has arrived is not. */
  #flow(): void {
    const { wire } = this.#options
    if (!this.#isPaused && this.#heldBytes > mostHeldBytes) {
      this.#isPaused = true
      wire.pause()
    } else if (this.#isPaused && this.#heldBytes < fewHeldBytes) {
      this.#isPaused = false
      wire.resume()
    }
  }

  #message(kind: number, body: Buffer, whole: Buffer): void {
    if (kind === type.in || kind === type.out) {
      this.#direction = kind === type.in ? 'in' : 'out'
      this.#started.resolve()
    } else if (kind === type.complete) {
      this.#isComplete = true
      this.#rows = rowsOf(body)
    } else if (kind === type.error) this.#error ??= serverErrorOf(body)
    else if (forDriver.has(kind)) this.#driver.toDriver(Buffer.from(whole))
    else if (kind === type.ready) this.#finish()
  }

  #finish(): void {
    this.#isOver = true
    this.#driver.giveBack()
    if (this.#isPaused) this.#options.wire.resume()
    if (this.#error === null && this.#direction === null)
      this.#error = new Error('The statement was no COPY from or to the client.')
    if (this.#error === null) this.#over.resolve(this.#rows)
    else {
      this.#started.reject(this.#error)
      this.#over.reject(this.#error)
    }
    this.#arrived.resolve()
    this.#options.onOver()
    this.onOver?.()
  }

  #throwIfOver(): void {
    if (!this.#isOver) return
    throw this.#error ?? new Error('The COPY is over.')
  }

  async #waited<T>(promise: Promise<T>): Promise<T> {
    this.#waitingSince = performance.now()
    try {
      return await promise
    } finally {
      this.#waitingSince = 0
    }
  }
}
