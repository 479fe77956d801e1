/** The order of a connection's answers: its statements are answered in the order in which they were sent. */
export class AnswerOrder {
  #sent = 0
  #answered = 0
  #isEnded = false
  readonly #calls = new Map<number, (() => void)[]>()

  /** The position of the statement that is sent now, from 1. */
  take(): number {
    return ++this.#sent
  }

  /** The first of the statements that were not answered has been. */
  pass(): void {
    this.#answered++
    if (this.#calls.size > 0) this.#call(this.#answered + 1)
  }

  /** Nothing is answered any more. */
  end(): void {
    this.#isEnded = true
    for (const position of [...this.#calls.keys()]) this.#call(position)
  }

  /** Whether the statement at that position has been answered, or never will be. */
  isOver(position: number): boolean {
    return this.#answered >= position || this.#isEnded
  }

  /** Settles when every statement that was sent until now is over. */
  allAnswered(): Promise<void> {
    return this.reached(this.#sent + 1)
  }

  /** Settles when every statement before that position is over. */
  reached(position: number): Promise<void> {
    if (this.isOver(position - 1)) return Promise.resolve()
    return new Promise((resolve) => {
      const calls = this.#calls.get(position)
      if (calls) calls.push(resolve)
      else this.#calls.set(position, [resolve])
    })
  }

  #call(position: number): void {
    for (const call of this.#calls.get(position) ?? []) call()
    this.#calls.delete(position)
  }
}
