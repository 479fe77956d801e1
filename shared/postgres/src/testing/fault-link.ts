import { connect, type Socket } from 'node:net'
import { FaultPipe, type Flow, resetSocket } from './fault-pipe.ts'

/** One connection through the proxy: the client's socket, the target's, and a pipe each way. */
export class FaultLink {
  /** Times that the client spoke after it had heard from the target, the first included. */
  roundTrips = 0
  readonly #client: Socket
  readonly #target: Socket
  readonly #pipes: readonly FaultPipe[]
  #clientSpoke = false
  #frozen = false
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
    const flow = () => ({ ...options.flow(), frozen: this.#frozen })
    client.on('data', () => {
      if (this.#clientSpoke) return
      this.#clientSpoke = true
      this.roundTrips++
      options.onRoundTrip()
    })
    const heard = () => {
      this.#clientSpoke = false
    }
    this.#pipes = [
      new FaultPipe(client, this.#target, flow, () => {}),
      new FaultPipe(this.#target, client, flow, heard),
    ]
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

  /** Makes the connection silent in both directions, or lets what was held go on. */
  set frozen(frozen: boolean) {
    this.#frozen = frozen
    this.flowChanged()
  }

  flowChanged(): void {
    for (const pipe of this.#pipes) pipe.pump()
  }

  /** Resets both sides; what was under way is lost. */
  cut(): void {
    for (const pipe of this.#pipes) pipe.stop()
    resetSocket(this.#client)
    resetSocket(this.#target)
  }
}
