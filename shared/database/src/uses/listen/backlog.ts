import { AsyncLocalStorage } from 'node:async_hooks'

/** What a subscriber gives to be called. */
export interface Handlers {
  readonly handle: (payload: string) => unknown
  readonly onReconnected?: (() => unknown) | undefined
  readonly onOverflow?: ((dropped: number) => unknown) | undefined
}

export interface BacklogOptions extends Handlers {
  /** The most notifications that wait. */
  readonly maxBacklog: number
  /** Called with what a handler has thrown. */
  readonly onFailed: (error: unknown) => void
  /** Called when notifications begin to be dropped. */
  readonly onFull: () => void
}

interface Overflow {
  dropped: number
}
type Entry = string | Overflow | null

// What is left behind of a queue that was read from its front.
const mostRead = 1_000

/**
 * What one subscriber has yet to be called with, in order: notifications (text), places where some were dropped, and places where some may
 * have been missed (null). At most `maxBacklog` notifications wait, and behind the last of them one place of each kind. The subscriber
 * is called in the async context in which the backlog was made, not in that in which the connection was opened.
 */
export class Backlog {
  readonly #options: BacklogOptions
  readonly #inContext = AsyncLocalStorage.snapshot()
  #entries: Entry[] = []
  #at = 0
  #notifications = 0
  /** Behind the last notification that waits. */
  #overflow: Overflow | null = null
  #mayHaveMissed = false
  #isRunning = false
  #isEnded = false

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  notified(payload: string): void {
    if (this.#isEnded) return
    if (this.#notifications >= this.#options.maxBacklog) this.#drop()
    else {
      this.#notifications++
      this.#overflow = null
      this.#mayHaveMissed = false
      this.#add(payload)
    }
  }

  /** Notifications may have been missed before this moment. */
  missed(): void {
    if (this.#isEnded || this.#mayHaveMissed) return
    this.#mayHaveMissed = true
    this.#add(null)
  }

  /** No call begins any more. */
  end(): void {
    this.#isEnded = true
    this.#entries = []
    this.#at = 0
  }

  #drop(): void {
    if (this.#overflow) {
      this.#overflow.dropped++
      return
    }
    this.#overflow = { dropped: 1 }
    this.#options.onFull()
    this.#add(this.#overflow)
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
    if (!this.#isRunning) void this.#inContext(() => this.#run())
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#at < this.#entries.length) {
      const entry = this.#entries[this.#at++] as Entry
      if (this.#at >= mostRead) this.#forgetRead()
      try {
        const answer = this.#call(entry)
        if (answer !== undefined) await answer
      } catch (error) {
        this.#options.onFailed(error)
      }
    }
    this.#forgetRead()
    this.#isRunning = false
  }

  #forgetRead(): void {
    this.#entries.splice(0, this.#at)
    this.#at = 0
  }

  #call(entry: Entry): unknown {
    if (typeof entry === 'string') {
      this.#notifications--
      return this.#options.handle(entry)
    }
    if (entry === null) {
      this.#mayHaveMissed = false
      return this.#options.onReconnected?.()
    }
    if (entry === this.#overflow) this.#overflow = null
    return this.#options.onOverflow?.(entry.dropped)
  }
}
