/** Whose turn it is on a connection: its statements are answered in the order in which they were sent. */
export class Turns {
  #sent = 0
  #answered = 0
  #isEnded = false
  readonly #calls = new Map<number, (() => void)[]>()

  /** The place of the statement that is sent now, from 1. */
  take(): number {
    return ++this.#sent
  }

  /** The statement whose turn it was has been answered. */
  pass(): void {
    this.#answered++
    if (this.#calls.size > 0) this.#call(this.#answered + 1)
  }

  /** Nothing is answered any more. */
  end(): void {
    this.#isEnded = true
    for (const place of [...this.#calls.keys()]) this.#call(place)
  }

  /** Whether the statement at that place has been answered, or never will be. */
  isOver(place: number): boolean {
    return this.#answered >= place || this.#isEnded
  }

  /** Settles when every statement before that place is over. */
  reached(place: number): Promise<void> {
    if (this.isOver(place - 1)) return Promise.resolve()
    return new Promise((resolve) => {
      const calls = this.#calls.get(place)
      if (calls) calls.push(resolve)
      else this.#calls.set(place, [resolve])
    })
  }

  #call(place: number): void {
    for (const call of this.#calls.get(place) ?? []) call()
    this.#calls.delete(place)
  }
}
