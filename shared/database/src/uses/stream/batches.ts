import { deferred, startTimer } from '@shared/pool'
import { StreamIdleError } from '../../errors.ts'

/** Hands batches to a consumer, one at a time: who makes them waits until the one before was taken and the next is wanted. */
export class Batches<T> {
  readonly #idleTimeoutMs: number
  #batch: T | null = null
  #wanted = deferred<void>()
  #given = deferred<void>()
  #isOver = false

  /** @param idleTimeoutMs How long the consumer may want none. */
  constructor(idleTimeoutMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /**
   * Gives a batch, once the consumer wants one.
   *
   * @throws {StreamIdleError} when it has not for too long; the signal's reason when it fires.
   */
  async give(batch: T, signal: AbortSignal | undefined): Promise<void> {
    await this.#wait(signal)
    this.#wanted = deferred<void>()
    this.#batch = batch
    this.#given.resolve()
  }

  /** Takes the next batch; null when there is none any more. */
  async take(): Promise<T | null> {
    this.#wanted.resolve()
    await this.#given.promise
    const batch = this.#batch
    this.#batch = null
    if (!this.#isOver) this.#given = deferred<void>()
    return batch
  }

  /** No batch follows those that were given. */
  end(): void {
    this.#isOver = true
    this.#given.resolve()
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise: ended, reject } = deferred<never>()
    const abort = () => reject(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    const stopTimer = startTimer(this.#idleTimeoutMs, () => reject(new StreamIdleError(this.#idleTimeoutMs)))
    try {
      await Promise.race([this.#wanted.promise, ended])
    } finally {
      stopTimer()
      signal?.removeEventListener('abort', abort)
    }
  }
}
