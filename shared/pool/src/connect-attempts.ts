import type { ConnectBackoff } from './connect-backoff.ts'
import { ConnectError, NoRoomError } from './errors.ts'
import { Histogram } from './histogram.ts'
import type { Connector, Slot } from './slot.ts'
import type { PoolCounters } from './status.ts'
import { bounded, startTimer } from './timer.ts'

export interface ConnectAttemptsOptions<C> {
  connect: Connector<C>
  /** Longest time in ms for one attempt. */
  timeoutMs: number
  backoff: ConnectBackoff
  counters: PoolCounters
  now: () => number
  /** Called with each that succeeded, also when nobody waits for it any more. */
  onConnected: (slot: Slot<C>, connection: C) => void | Promise<void>
  /** Called with each that failed or was aborted. */
  onFailed: (slot: Slot<C>, error: unknown) => void
  /** Called when one has turned out silent: another may begin. */
  onSilent: () => void
}

interface Attempt {
  isSilent: boolean
  /** Whether it may take its whole time. */
  readonly isPatient: boolean
  readonly abort: AbortController
  readonly stopTimer: () => void
}

// A server that is there has answered by then; a dead node behind a balancer never will.
const silentAfterMs = 1_000
const mostGivenUpInARow = 3
const longestEndMs = 2_000

/**
 * The attempts to connect that are under way. One that is silent must not hold up the others: it may be given up for a new
 * one. But the server may be slow, not dead: after three were given up the next is waited for to its end, one such at a time.
 */
export class ConnectAttempts<C> {
  /** How many have been without an answer for a second. */
  silent = 0
  /** How long those took that succeeded. */
  readonly times = new Histogram()
  readonly #options: ConnectAttemptsOptions<C>
  /** In the order in which they began. */
  readonly #attempts = new Map<Slot<C>, Attempt>()
  /** Until nothing is left of them, also of those given up. */
  readonly #ends = new Set<Promise<void>>()
  #givenUpInARow = 0
  #isAborted = false

  constructor(options: ConnectAttemptsOptions<C>) {
    this.#options = options
  }

  /** How many may be expected to be answered: those that are not silent. */
  get arriving(): number {
    return this.#attempts.size - this.silent
  }

  /** The oldest silent attempt that may be given up. */
  get expendable(): Slot<C> | null {
    for (const [slot, { isSilent, isPatient }] of this.#attempts) if (isSilent && !isPatient) return slot
    return null
  }

  /** Whether one may begin now, as far as the server's failures say. */
  mayBegin(): boolean {
    return this.#options.backoff.ready(this.arriving, this.silent)
  }

  /** Begins the attempt to connect a slot. */
  begin(slot: Slot<C>, onLost: (cause: unknown) => void): void {
    const { connect, timeoutMs, backoff, now } = this.#options
    const isPatient = this.#givenUpInARow >= mostGivenUpInARow && !this.#isOneWaitedFor
    if (isPatient) this.#givenUpInARow = 0
    const abort = new AbortController()
    const stopTimer = startTimer(silentAfterMs, () => this.#silence(slot), now)
    this.#attempts.set(slot, { isSilent: false, isPatient, abort, stopTimer })
    backoff.began(this.#attempts.size)
    let lost = null as { cause: unknown } | null
    const noteLoss = (cause: unknown) => {
      if (this.#attempts.has(slot)) lost = { cause }
      else onLost(cause)
    }
    const end = connect({ timeoutMs, signal: abort.signal, onLost: noteLoss })
      .then(
        // One that was lost before anybody had it has failed to connect.
        (connection) => (lost ? this.#fail(slot, lost.cause) : this.#succeed(slot, connection)),
        (error: unknown) => this.#fail(slot, error),
      )
      .finally(() => this.#ends.delete(end))
    this.#ends.add(end)
  }

  /** Ends an attempt, for another that takes its place; returns what it has failed by. */
  giveUp(slot: Slot<C>): ConnectError {
    const message = 'The server did not answer an attempt to connect, which was given up for another.'
    const error = new ConnectError(message, { driverCode: 'CONNECT_TIMEOUT' })
    const abort = this.#attempts.get(slot)?.abort
    this.#givenUpInARow++
    this.#count(slot, error)
    this.forget(slot)
    abort?.abort(error)
    return error
  }

  /** Nobody waits for the attempt any more. */
  forget(slot: Slot<C>): void {
    const attempt = this.#attempts.get(slot)
    if (!attempt) return
    attempt.stopTimer()
    if (attempt.isSilent) this.silent--
    this.#attempts.delete(slot)
  }

  /** Ends all of them. */
  abort(cause: Error): void {
    this.#isAborted = true
    for (const { abort, stopTimer } of this.#attempts.values()) {
      stopTimer()
      abort.abort(cause)
    }
  }

  /** Settles when nothing is left of those begun, at the latest after two seconds. */
  async ended(): Promise<void> {
    await bounded(Promise.all(this.#ends), longestEndMs).catch(() => {})
  }

  #succeed(slot: Slot<C>, connection: C): void | Promise<void> {
    const { backoff, counters, now, onConnected } = this.#options
    this.forget(slot)
    this.times.record(now() - slot.createdAt)
    this.#givenUpInARow = 0
    counters.connects++
    backoff.succeeded()
    return onConnected(slot, connection)
  }

  #fail(slot: Slot<C>, error: unknown): void {
    // One that was given up has failed before.
    if (!this.#attempts.has(slot)) return
    if (!this.#isAborted && !(error instanceof NoRoomError)) this.#count(slot, error)
    this.forget(slot)
    this.#options.onFailed(slot, error)
  }

  #count(slot: Slot<C>, error: unknown): void {
    this.#options.counters.connectFailures++
    this.#options.backoff.failed(error, slot.createdAt)
  }

  get #isOneWaitedFor(): boolean {
    for (const { isPatient } of this.#attempts.values()) if (isPatient) return true
    return false
  }

  #silence(slot: Slot<C>): void {
    const attempt = this.#attempts.get(slot)
    if (!attempt) return
    attempt.isSilent = true
    this.silent++
    this.#options.backoff.silent(slot.createdAt)
    this.#options.onSilent()
  }
}
