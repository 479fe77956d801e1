import { bounded, type Deferred, deferred } from '@shared/pool'
import type { Ticket } from '../sql-connection.ts'
import type { AnswerOrder } from './answer-order.ts'

export interface CancellationOptions {
  order: AnswerOrder
  /** Asks the server to cancel what the backend runs; false when nobody knows whether the request was delivered. */
  request: () => Promise<boolean>
  /** Gives the connection up. */
  giveUp: (cause: Error) => void
  /** Settles when the server has answered on the connection, or never will. */
  answer: () => Promise<unknown>
  /** Called when one is over, and others may still be under way. */
  onOver: () => void
}

const againMs = 100
const mostPreemptRequests = 3
// A backend that has not acted on it by then is frozen, or can't be interrupted.
const longestMs = 2_000

const unanswered = () =>
  Object.assign(new Error('The server did not act on a cancellation.'), { code: 'CANCEL_UNANSWERED' })

/**
 * Cancels statements of one connection on the server.
 *
 * A cancel request reaches whatever the backend runs when it arrives. So it is sent only while the statement is the one
 * running, and the connection sends nothing new while one is under way.
 */
export class Cancellation {
  readonly #options: CancellationOptions
  #count = 0
  #quiet: Deferred<void> | null = null

  constructor(options: CancellationOptions) {
    this.#options = options
  }

  /** Whether a request may still hit something. */
  get isUnderWay(): boolean {
    return this.#count > 0
  }

  /** Settles when nothing is under way. */
  async settled(): Promise<void> {
    await this.#quiet?.promise
  }

  /** Cancels a statement; settles when nothing of the cancellation is left that could hit another. */
  async cancel(ticket: Ticket): Promise<void> {
    const { order, request, giveUp } = this.#options
    ticket.isCancelled = true
    if (ticket.position === 0 || order.isOver(ticket.position)) return
    // The one running is counted in this turn: the next to read `isUnderWay` must know of it.
    if (!order.isOver(ticket.position - 1)) await order.reached(ticket.position)
    this.#begin()
    const giveUpAt = performance.now() + longestMs
    while (!order.isOver(ticket.position)) {
      const isDelivered = await request()
      // One that may still be on its way could hit anybody, and one that has no effect keeps the caller: the connection is given up.
      if (!isDelivered || performance.now() >= giveUpAt) giveUp(unanswered())
      // It may have come before the statement did: then it had no effect, and is repeated.
      await bounded(order.reached(ticket.position + 1), againMs).catch(() => {})
    }
    await this.#end()
  }

  /**
   * Cancels the statement that runs, so that it makes way for those behind it; settles when it is over. Its caller still
   * waits, so that a server that does not act on it does not cost the connection.
   */
  async preempt(ticket: Ticket): Promise<void> {
    const { order, request, giveUp } = this.#options
    ticket.isPreempted = true
    this.#begin()
    for (let requests = 0; requests < mostPreemptRequests && !order.isOver(ticket.position); requests++) {
      if (!(await request())) giveUp(unanswered())
      await bounded(order.reached(ticket.position + 1), againMs).catch(() => {})
    }
    void this.#end()
  }

  #begin(): void {
    this.#count++
    this.#quiet ??= deferred<void>()
  }

  async #end(): Promise<void> {
    const { answer, onOver } = this.#options
    // An answer on this connection proves that the backend has seen the signal.
    await answer()
    this.#count--
    onOver()
    if (this.#count > 0) return
    this.#quiet?.resolve()
    this.#quiet = null
  }
}
