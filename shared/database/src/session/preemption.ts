import type { SqlConnection } from '../connection/sql-connection.ts'

export interface PreemptionOptions {
  /** How long in ms a statement may take before it must let those behind it pass. */
  slowMs: number
  /** The connections with several statements under way. */
  crowded: () => Iterable<SqlConnection>
  /** Called for each statement that has to. */
  onPreempted: () => void
}

// When all of the server is slow, cancelling everything would make it slower.
const mostAtOnce = 3

/**
 * Bounds what sharing a connection may cost: a single statement that has taken longer than `slowMs` and has others behind it
 * is cancelled, which undoes it, and runs again on a connection of its own; those behind it go on. That a text was fast
 * every time says nothing about now: it may wait for a lock or a cold page.
 */
export class Preemption {
  readonly #options: PreemptionOptions
  #timer: ReturnType<typeof setTimeout> | null = null
  #dueAt = 0
  #underWay = 0

  constructor(options: PreemptionOptions) {
    this.#options = options
  }

  /** To be called when a statement was put behind another one. */
  watch(): void {
    if (this.#timer !== null) return
    const delayMs = this.#options.slowMs / 2
    this.#dueAt = performance.now() + delayMs
    this.#timer = setTimeout(() => this.#look(), delayMs)
  }

  #look(): void {
    const { slowMs, crowded } = this.#options
    const now = performance.now()
    // After a blocked event loop the answers have not been read yet: what looks slow may not be.
    const wasBlocked = now - this.#dueAt > slowMs
    this.#timer = null
    let isShared = false
    for (const connection of crowded()) {
      isShared = true
      if (!wasBlocked && connection.workedForMs(now) > slowMs) this.#preempt(connection)
    }
    if (isShared) this.watch()
  }

  #preempt(connection: SqlConnection): void {
    if (this.#underWay >= mostAtOnce) return
    const preempted = connection.preempt()
    if (!preempted) return
    this.#underWay++
    this.#options.onPreempted()
    void preempted.finally(() => this.#underWay--)
  }
}
