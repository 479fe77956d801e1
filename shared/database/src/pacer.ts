export interface PacerOptions {
  now: () => number
  random: () => number
  /** Called when the pause after a failure is over. */
  wake: () => void
}

const shortestPauseMs = 10
// Also the longest time that a recovered server stays unnoticed.
const longestPauseMs = 500

/**
 * Paces connection attempts to a server that fails them: one at a time, after a pause that doubles from 10 ms to half a
 * second, with jitter, however many callers wait. The first success ends it.
 */
export class Pacer {
  readonly #options: PacerOptions
  #failures = 0
  #since = 0
  #notBefore = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #last: { error: unknown; at: number } | null = null

  constructor(options: PacerOptions) {
    this.#options = options
  }

  get failing(): boolean {
    return this.#failures > 0
  }

  /** Whether an attempt may start now, `connecting` of them being under way; if not yet, `wake` is called when it may. */
  ready(connecting: number): boolean {
    if (this.#failures === 0) return true
    if (connecting > 0) return false
    const pause = this.#notBefore - this.#options.now()
    if (pause <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#options.wake()
    }, Math.ceil(pause))
    return false
  }

  /** How long the server had been failing by `at` without a success between; 0 when it was not. */
  failingForMs(at: number): number {
    return this.#failures > 0 ? at - this.#since : 0
  }

  /** Attempts begun before the last failure was known belong to it: they say nothing about how long it lasts. */
  failed(error: unknown, startedAt: number): void {
    const now = this.#options.now()
    const isOfABurst = this.#failures > 0 && this.#last !== null && startedAt < this.#last.at
    this.#last = { error, at: now }
    if (isOfABurst) return
    if (this.#failures === 0) this.#since = now
    const pause = Math.min(shortestPauseMs * 2 ** this.#failures, longestPauseMs)
    this.#failures++
    this.#notBefore = now + pause * (0.5 + this.#options.random() / 2)
  }

  succeeded(): void {
    this.#failures = 0
    this.stop()
  }

  /** The last failure, if it happened at or after `since`. */
  lastFailureSince(since: number): { error: unknown } | null {
    return this.#last && this.#last.at >= since ? this.#last : null
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }
}
