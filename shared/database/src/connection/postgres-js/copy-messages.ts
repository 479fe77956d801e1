/** Reads the messages of a COPY out of what the server sends. */
export interface CopyMessages {
  /** What has arrived of what is copied; the bytes are the receiver's. */
  data(bytes: Buffer): void
  /** Another message: its type, and its body. */
  message(type: number, body: Buffer, whole: Buffer): void
}

const headLength = 5
const copyData = 0x64

/** Takes apart what arrives. What is copied is handed on as it comes, however long a message of it is. */
export class CopyReader {
  readonly #on: CopyMessages
  /** The beginning of a message that is not complete. */
  #rest: Buffer | null = null
  /** How many bytes of a piece of data are still to come. */
  #dataLeft = 0

  constructor(on: CopyMessages) {
    this.#on = on
  }

  read(bytes: Buffer): void {
    let chunk = bytes
    if (this.#rest) {
      chunk = Buffer.concat([this.#rest, bytes])
      this.#rest = null
    }
    // A row is a message: what is in all of a chunk is put together, as a buffer for each costs more than the row.
    const data = Buffer.allocUnsafe(chunk.length)
    let end = chunk.copy(data, 0, 0, Math.min(this.#dataLeft, chunk.length))
    /** Before it, what was handed on: those bytes are the receiver's. */
    let from = 0
    this.#dataLeft -= end
    let at = end
    while (at + headLength <= chunk.length) {
      const type = chunk[at] as number
      const next = at + 1 + chunk.readInt32BE(at + 1)
      if (type === copyData) {
        end += chunk.copy(data, end, at + headLength, Math.min(next, chunk.length))
        this.#dataLeft = Math.max(0, next - chunk.length)
      } else if (next > chunk.length) break
      else {
        if (end > from) this.#on.data(data.subarray(from, end))
        from = end
        this.#on.message(type, chunk.subarray(at + headLength, next), chunk.subarray(at, next))
      }
      at = Math.min(next, chunk.length)
    }
    if (end > from) this.#on.data(data.subarray(from, end))
    if (at < chunk.length) this.#rest = chunk.subarray(at)
  }
}

/** A message: its type, its length, its body. */
export function message(type: string, body: Uint8Array | string = ''): Buffer {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const bytes = Buffer.allocUnsafe(headLength + length)
  bytes.write(type, 0, 'latin1')
  bytes.writeInt32BE(4 + length, 1)
  if (typeof body === 'string') bytes.write(body, headLength)
  else bytes.set(body, headLength)
  return bytes
}

/** How many rows a command's tag names: `COPY 5`. */
export function rowsOf(body: Buffer): number {
  return Number(/\d+/.exec(body.toString('latin1'))?.[0] ?? 0)
}
