import type { Ticket } from './cancellation.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import type { Rows } from './pipeline.ts'

/** A statement that was sent behind others. */
interface Follower {
  readonly connection: Connection
  readonly ticket: Ticket
  runElsewhere(): void
}

/**
 * Bounds what sharing a connection may cost: a read that waits behind a statement which has taken longer than `slowMs` is
 * run again elsewhere, and the first answer wins. That a text was fast every time says nothing about now: it may wait for a
 * lock or a cold page. (Dean and Barroso, The Tail at Scale, 2013: hedged requests.)
 */
export class HedgeWatch {
  readonly #slowMs: number
  readonly #followers = new Set<Follower>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #dueAt = 0

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /**
   * Settles as the first of the two: the answer, or, once what is ahead is slow, what `runAgain` brings elsewhere. A failure
   * of this layer's own counts only when the other one has failed too.
   *
   * @param runAgain Its signal fires when it is not needed any more: one that still waits for a connection is withdrawn then.
   */
  first(
    answer: Promise<Rows>,
    connection: Connection,
    ticket: Ticket,
    runAgain: (answered: AbortSignal) => Promise<Rows>,
  ): Promise<Rows> {
    return new Promise((resolve, reject) => {
      let runs = 1
      let hedge: AbortController | null = null
      const failed = (error: unknown) => {
        if (--runs === 0 || !(error instanceof DatabaseError)) reject(error)
      }
      const follower: Follower = {
        connection,
        ticket,
        runElsewhere: () => {
          runs++
          hedge = new AbortController()
          runAgain(hedge.signal).then(resolve, failed)
        },
      }
      this.#followers.add(follower)
      this.#watch()
      answer.then(
        (rows) => {
          this.#followers.delete(follower)
          resolve(rows)
          hedge?.abort()
        },
        (error: unknown) => {
          this.#followers.delete(follower)
          failed(error)
        },
      )
    })
  }

  #watch(): void {
    if (this.#timer !== null) return
    this.#dueAt = performance.now() + this.#slowMs / 2
    this.#timer = setTimeout(() => this.#look(), this.#slowMs / 2)
  }

  #look(): void {
    this.#timer = null
    const now = performance.now()
    // After a blocked event loop the answers have not been read yet: what looks slow may not be.
    if (now - this.#dueAt < this.#slowMs) {
      for (const follower of this.#followers) {
        const { connection, ticket } = follower
        if (connection.firstSilentForMs(now) <= this.#slowMs || connection.isFirst(ticket)) continue
        this.#followers.delete(follower)
        follower.runElsewhere()
      }
    }
    if (this.#followers.size > 0) this.#watch()
  }
}
