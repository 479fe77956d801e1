/** The server has ended the session: what it said, as the driver would have it as an error. */
export interface FatalAnswer extends Error {
  readonly code: string
  readonly severity: string
}

const headLength = 5
const errorResponse = 0x45
const commandComplete = 0x43
const readyForQuery = 0x5a

/**
 * Reads along what the server sends, message by message, for two things that the driver keeps to itself: that the server ends the
 * session (it waits for a ReadyForQuery that never comes), and whether the statement that runs was complete before.
 *
 * @see PostgreSQL, "Message Formats"
 */
export class AnswerScan {
  /** The beginning of a message that is not complete. */
  #rest: Buffer | null = null
  /** How many bytes of a message that is of no interest are still to come. */
  #skip = 0
  #isComplete = false

  /** Whether the server has completed a command since it was last ready for one. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** @returns What the server has ended the session with, if it has. */
  read(bytes: Buffer): FatalAnswer | null {
    let chunk = bytes
    if (this.#rest) {
      chunk = Buffer.concat([this.#rest, bytes])
      this.#rest = null
    }
    let at = this.#skip
    while (at + headLength <= chunk.length) {
      const type = chunk[at]
      const end = at + 1 + lengthAt(chunk, at + 1)
      if (type === errorResponse) {
        if (end > chunk.length) break
        const fatal = readFatal(chunk.toString('utf8', at + headLength, end))
        if (fatal) return fatal
      } else if (type === commandComplete) this.#isComplete = true
      else if (type === readyForQuery) this.#isComplete = false
      at = end
    }
    this.#skip = Math.max(0, at - chunk.length)
    if (at < chunk.length) this.#rest = chunk.subarray(at)
    return null
  }
}

/** A message's length, itself included. By hand, as this is the way of every row: readUInt32BE takes several times as long. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return high * 0x1_0000 + low
}

/** Reads an ErrorResponse's fields: a letter and a text each. */
function readFatal(fields: string): FatalAnswer | null {
  const values = new Map(fields.split('\0').map((field) => [field[0], field.slice(1)]))
  // A pooler may send the localized severity alone.
  const severity = values.get('V') ?? values.get('S')
  if (severity !== 'FATAL' && severity !== 'PANIC') return null
  return Object.assign(new Error(values.get('M') ?? 'The server has ended the session.'), {
    code: values.get('C') ?? '',
    severity,
  })
}
