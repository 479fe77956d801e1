export interface StrandWatchOptions {
  /** Each settles what nothing else will settle any more, and says how much that was. */
  checks: readonly (() => number)[]
  onStranded: (count: number) => void
}

const everyMs = 1_000

/**
 * A last check, every second: it settles what is queued, held or in flight and that nobody would ever settle.
 * There is never anything; what it finds is a defect of this layer, counted in the status so that tests can ask for none.
 */
export class StrandWatch {
  readonly #options: StrandWatchOptions
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(options: StrandWatchOptions) {
    this.#options = options
  }

  start(): void {
    let lastAt = performance.now()
    let checkFrom = lastAt
    this.#timer ??= setInterval(() => {
      const now = performance.now()
      // After the event loop was blocked what is overdue is settled first: it is not stranded, only late.
      if (now - lastAt >= 2 * everyMs) checkFrom = now + 2 * everyMs
      lastAt = now
      if (now >= checkFrom) this.check()
    }, everyMs)
    this.#timer.unref()
  }

  /** Looks once more, then never again. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.check()
  }

  check(): void {
    const count = this.#options.checks.reduce((sum, check) => sum + check(), 0)
    if (count > 0) this.#options.onStranded(count)
  }
}
