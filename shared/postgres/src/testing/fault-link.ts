import { connect, type Socket } from 'node:net'
import { FaultPipe, type Flow, resetSocket } from './fault-pipe.ts'

/** Where bytes of a connection go. */
export type Direction = 'toClient' | 'toTarget'

/** One connection through a fault proxy, to be disturbed by itself. */
export interface ProxiedConnection {
  /**
   * Cuts it once so many more bytes have gone on in that direction, as a rule in the middle of a message: the receiver
   * gets exactly those and the end, the sender a reset, and nothing goes on after it, either way. 0 cuts now.
   */
  cutAfter(direction: Direction, bytes: number): void
  /** Makes one direction silent, or lets what was held go on; the other direction is not touched. */
  freeze(direction: Direction, frozen: boolean): void
}

/** One connection through the proxy: the client's socket, the target's, and a pipe each way. */
export class FaultLink implements ProxiedConnection {
  /** Times that the client sent something after it had received from the target, the first included. */
  roundTrips = 0
  readonly #client: Socket
  readonly #target: Socket
  readonly #pipes: Readonly<Record<Direction, FaultPipe>>
  readonly #frozen: Record<Direction, boolean> = { toClient: false, toTarget: false }
  #clientSpoke = false
  #clientEnded = false
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<void>

  constructor(
    client: Socket,
    target: { host: string; port: number },
    options: { flow: () => Omit<Flow, 'frozen'>; onRoundTrip: () => void },
  ) {
    this.#client = client
    const { host, port } = target
    this.#target = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const flow = (direction: Direction) => () => ({ ...options.flow(), frozen: this.#frozen[direction] })
    client.on('data', () => {
      if (this.#clientSpoke) return
      this.#clientSpoke = true
      this.roundTrips++
      options.onRoundTrip()
    })
    const received = () => {
      this.#clientSpoke = false
    }
    this.#pipes = {
      toTarget: new FaultPipe(client, this.#target, flow('toTarget'), () => {}),
      toClient: new FaultPipe(this.#target, client, flow('toClient'), received),
    }
    const ended = () => {
      this.#clientEnded = true
    }
    client.once('end', ended).once('close', ended)
    const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.closed = Promise.all([closed(client), closed(this.#target)]).then(() => {})
  }

  /** False once the client has closed its side, or was cut. */
  get open(): boolean {
    return !this.#clientEnded && !this.#client.destroyed
  }

  /** Makes the connection silent in both directions, or lets what was held go on; no cut is due any more. */
  set frozen(frozen: boolean) {
    for (const direction of ['toClient', 'toTarget'] as const) {
      this.#pipes[direction].cutAfter(Number.POSITIVE_INFINITY, () => {})
      this.freeze(direction, frozen)
    }
  }

  freeze(direction: Direction, frozen: boolean): void {
    this.#frozen[direction] = frozen
    this.#pipes[direction].pump()
  }

  cutAfter(direction: Direction, bytes: number): void {
    this.#pipes[direction].cutAfter(bytes, () => this.#stop())
  }

  /** Resets both sides; what was under way is lost. */
  cut(): void {
    this.#stop()
    resetSocket(this.#client)
    resetSocket(this.#target)
  }
  #stop(): void {
    this.#clientEnded = true
    for (const pipe of Object.values(this.#pipes)) pipe.stop()
  }
}
