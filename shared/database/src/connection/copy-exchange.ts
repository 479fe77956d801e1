/**
 * A COPY from or to the client that is under way on a connection, which does nothing else until it is over. Each call waits for as long as
 * the other side takes, and rejects with the server's error, or with ConnectionLostError.
 */
export interface CopyExchange {
  readonly direction: 'in' | 'out'
  /** Whether the server has said that it is over, or never will. */
  readonly isOver: boolean
  /** Called once when it is over. */
  onOver: (() => void) | null
  /** Sends bytes; settles when there is room for more. */
  write(bytes: Uint8Array): Promise<void>
  /** Says that all was sent; settles with the number of rows when they are stored. */
  end(): Promise<number>
  /** The next bytes; null when there are none any more, and all has gone well. */
  read(): Promise<Uint8Array | null>
  /** Gives it up: nothing of it is stored but where `end()` was called. Settles when the connection is clean, or closed; never rejects. */
  abandon(): Promise<void>
}
