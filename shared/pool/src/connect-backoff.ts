export interface ConnectBackoffOptions {
  now: () => number
  random: () => number
  /** Called when the pause before the next attempt is over. */
  wake: () => void
}

const shortestPauseMs = 10
// Also the longest time that a recovered server stays unnoticed.
const longestPauseMs = 500
const mostAtOnce = 32

/**
 * Paces connection attempts to a server that fails them: one at a time, after a pause that doubles from 10 ms to half a
 * second, with jitter, however many callers wait. Beside attempts that are silent others may be under way, each after a
 * pause that doubles with their number. The first success ends it; from there on attempts at once double with each success, so
 * that a server that has just come back is not met by all connections of all pools in the same moment.
 */
export class ConnectBackoff {
  readonly #options: ConnectBackoffOptions
  #failures = 0
  /** Attempts that may be under way at once. */
  #atOnce = Number.POSITIVE_INFINITY
  #failingSince: number | null = null
  #notBefore = 0
  #besideNotBefore = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #last: { error: unknown; at: number } | null = null
  /** When an attempt last ended or turned out silent: what began before says nothing that is not known. */
  #knownAt = Number.NEGATIVE_INFINITY

  constructor(options: ConnectBackoffOptions) {
    this.#options = options
  }

  get failing(): boolean {
    return this.#failures > 0
  }

  /**
   * Whether an attempt may start now, while `arriving` are under way and `silent` others are without an answer; if not yet,
   * `wake` is called when it may.
   */
  ready(arriving: number, silent: number): boolean {
    if (this.#failures === 0) return arriving < this.#atOnce
    if (arriving > 0 && silent === 0) return false
    const notBefore = silent > 0 ? Math.max(this.#notBefore, this.#besideNotBefore) : this.#notBefore
    const pause = notBefore - this.#options.now()
    if (pause <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#options.wake()
    }, Math.ceil(pause))
    return false
  }

  /** How long the server had been failing by `at` without a success between; 0 when it was not. */
  failingForMs(at: number): number {
    return this.#failingSince === null ? 0 : at - this.#failingSince
  }

  /** An attempt has begun, and `underWay` of them are. */
  began(underWay: number): void {
    if (this.#failures > 0) this.#besideNotBefore = this.#options.now() + this.#pause(underWay)
  }

  /** Attempts begun before the last failure was known belong to it: they say nothing about how long it lasts. */
  failed(error: unknown, startedAt: number): void {
    const now = this.#options.now()
    this.#last = { error, at: now }
    const isNews = startedAt >= this.#knownAt
    if (isNews || this.#failures > 0) this.#failingSince ??= now
    if (!isNews) return
    this.#knownAt = now
    this.#notBefore = now + this.#pause(this.#failures)
    this.#failures++
    this.#atOnce = 1
  }

  /** An attempt has been without an answer for so long that others may start beside it. */
  silent(startedAt: number): void {
    if (startedAt < this.#knownAt) return
    this.#knownAt = this.#options.now()
    if (this.#failures === 0) this.#failures = 1
  }

  /** There is news from elsewhere that a server is there: the next attempt need not wait, and older ones say nothing any more. */
  hurry(): void {
    if (this.#failures === 0) return
    this.#failures = 1
    this.#failingSince = null
    this.#notBefore = 0
    this.#besideNotBefore = 0
    this.#knownAt = this.#options.now()
    this.stop()
    this.#options.wake()
  }

  succeeded(): void {
    this.#atOnce = this.#atOnce < mostAtOnce ? this.#atOnce * 2 : Number.POSITIVE_INFINITY
    this.#failures = 0
    this.#failingSince = null
    this.#knownAt = this.#options.now()
    this.stop()
  }

  /** The last failure, if it happened at or after `since`, or no attempt has succeeded after it: then only a pause came between. */
  lastFailureSince(since: number): { error: unknown } | null {
    return this.#last && (this.failing || this.#last.at >= since) ? this.#last : null
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #pause(doublings: number): number {
    const pause = Math.min(shortestPauseMs * 2 ** doublings, longestPauseMs)
    return pause * (0.5 + this.#options.random() / 2)
  }
}
