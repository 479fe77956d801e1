const headEnd = Buffer.from('\r\n\r\n')

/** Finds where responses end on one connection that never has two in flight. */
export class ResponseReader {
  #pending: Buffer | null = null
  #missing = 0
  #status = 0

  /**
   * Takes what arrived; returns the status once the answer is whole, else null.
   *
   * @throws {Error} The answer has no Content-Length: a chunked one is not understood.
   */
  read(chunk: Buffer): number | null {
    if (this.#missing > 0) return this.#take(chunk.length)
    const bytes = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk
    const end = bytes.indexOf(headEnd)
    if (end === -1) {
      // A copy: the runtime may use the chunk's memory again.
      this.#pending = Buffer.from(bytes)
      return null
    }
    this.#pending = null
    const head = bytes.toString('latin1', 0, end)
    this.#status = Number(head.slice(9, 12))
    const hasNoBody = this.#status === 204 || this.#status === 304
    const length = hasNoBody ? 0 : contentLength(head)
    this.#missing = length
    const body = bytes.length - end - headEnd.length
    return body >= length ? this.#whole() : this.#take(body)
  }

  #take(count: number): number | null {
    this.#missing -= count
    return this.#missing <= 0 ? this.#whole() : null
  }

  #whole(): number {
    this.#missing = 0
    return this.#status
  }
}

function contentLength(head: string): number {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length === undefined) throw new Error(`An answer without Content-Length:\n${head}`)
  return Number(length)
}
