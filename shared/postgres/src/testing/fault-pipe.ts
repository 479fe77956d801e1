import type { Socket } from 'node:net'

/** How bytes go on in one direction. */
export interface Flow {
  /** Nothing goes on; what arrives is kept for later. */
  readonly frozen: boolean
  readonly delayMs: number
  /** Infinity: as fast as it comes. */
  readonly bytesPerSecond: number
}

type Item = { kind: 'bytes'; bytes: Buffer; at: number } | { kind: 'end' | 'reset'; at: number }

// More than this is left to TCP: the sender is paused and its own buffers fill up.
const mostHeld = 256 * 1024
// A throttled pipe writes this often, so that a low rate is an even trickle and not a burst a second.
const writesPerSecond = 50

/**
 * One direction of a connection: bytes, the end and a reset go from one socket to the other in order, when the flow lets
 * them. Neither side learns of anything that has not come through, as with a network that is silent.
 */
export class FaultPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #flow: () => Flow
  readonly #onDelivery: () => void
  readonly #items: Item[] = []
  #held = 0
  /** When the throttle lets the next bytes through. */
  #freeAt = 0
  #blocked = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #stopped = false
  /** Bytes that may go on before the connection is cut. */
  #allowed = Number.POSITIVE_INFINITY
  #onCut = (): void => {}

  constructor(from: Socket, to: Socket, flow: () => Flow, onDelivery: () => void) {
    this.#from = from
    this.#to = to
    this.#flow = flow
    this.#onDelivery = onDelivery
    from.on('data', (bytes: Buffer) => {
      if (this.#stopped) return
      this.#held += bytes.length
      if (this.#held > mostHeld) from.pause()
      this.#add({ kind: 'bytes', bytes, at: performance.now() })
    })
    from.once('end', () => this.#add({ kind: 'end', at: performance.now() }))
    from.on('error', () => this.#add({ kind: 'reset', at: performance.now() }))
    const goOn = () => {
      this.#blocked = false
      this.pump()
    }
    to.on('drain', goOn).once('close', goOn)
  }

  /** Sends what may go on now; called again whenever the flow has changed. */
  pump(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    for (let item = this.#items[0]; item && !this.#stopped; item = this.#items[0]) {
      const { frozen, delayMs, bytesPerSecond } = this.#flow()
      if (frozen || this.#blocked) return
      const pause = Math.max(item.at + delayMs, this.#freeAt) - performance.now()
      if (pause > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(pause))
        return
      }
      this.#forward(item, bytesPerSecond)
    }
  }

  /**
   * Cuts the connection once so many more bytes have gone on (Infinity: not at all): the receiver gets exactly those and
   * the end, the sender a reset. `onCut` is called then.
   */
  cutAfter(bytes: number, onCut: () => void): void {
    this.#allowed = bytes
    this.#onCut = onCut
    if (bytes === 0 && !this.#stopped) this.#cut()
  }

  /** Drops what is held and lets nothing through any more. */
  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#items.length = 0
    // What still comes is dropped, but its end must be seen for the socket to close.
    this.#from.resume()
  }

  #cut(): void {
    this.stop()
    this.#to.end()
    resetSocket(this.#from)
    this.#onCut()
  }

  #add(item: Item): void {
    if (this.#stopped) return
    this.#items.push(item)
    if (this.#items.length === 1) this.pump()
  }

  #forward(item: Item, bytesPerSecond: number): void {
    if (item.kind !== 'bytes') {
      this.#items.shift()
      if (item.kind === 'reset') resetSocket(this.#to)
      else this.#to.end()
      return
    }
    const most = Math.min(this.#allowed, Math.max(1, Math.floor(bytesPerSecond / writesPerSecond)))
    const part = item.bytes.subarray(0, most)
    if (part.length === item.bytes.length) this.#items.shift()
    else item.bytes = item.bytes.subarray(part.length)
    this.#freeAt = performance.now() + (part.length / bytesPerSecond) * 1_000
    this.#held -= part.length
    if (this.#held <= mostHeld && this.#from.isPaused()) this.#from.resume()
    if (this.#to.destroyed) return
    this.#onDelivery()
    this.#blocked = !this.#to.write(part)
    this.#allowed -= part.length
    if (this.#allowed === 0) this.#cut()
  }
}

/** Closes a socket with a reset; what was written and not sent is lost. */
export function resetSocket(socket: Socket): void {
  // One that is still connecting would be reset only once it is connected.
  if (socket.connecting) socket.destroy()
  // Node 20 can't reset one whose end goes out in this turn (EINVAL), and never closes it then.
  else if (socket.writableEnded && !socket.writableFinished) setImmediate(() => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}
