import type { TimeLimit } from './deadline.ts'
import type { LeaseKind } from './slot.ts'
import { startTimer } from './timer.ts'

/** A caller in the queue for a connection. */
export interface Waiter<T> {
  readonly kind: LeaseKind
  /** Monotonic time in ms. */
  readonly since: number
  /** What its deadline comes from. */
  readonly limit: TimeLimit
  readonly deadline: number
  resolve(value: T): void
  reject(error: unknown): void
  signal: AbortSignal | undefined
  onAbort: (() => void) | undefined
  next: Waiter<T> | null
  previous: Waiter<T> | null
  queued: boolean
}

export interface WaitQueueEvents<T> {
  /** The waiter has left the queue because its deadline passed; it must be rejected. */
  expired(waiter: Waiter<T>): void
  /** The waiter has left the queue because its signal fired; it must be rejected. */
  aborted(waiter: Waiter<T>): void
}

/**
 * A FIFO queue of waiters with deadlines and signals. A waiter leaves once, by being served, expired or aborted, from
 * any place in constant time. One timer serves the whole queue, set to the earliest deadline.
 */
export class WaitQueue<T> {
  readonly #events: WaitQueueEvents<T>
  readonly #now: () => number
  #head: Waiter<T> | null = null
  #tail: Waiter<T> | null = null
  #length = 0
  #separate = 0
  #stopTimer: (() => void) | null = null
  #timerAt = Number.POSITIVE_INFINITY
  // While every deadline is no earlier than the one before it, expiry stops at the first waiter that has time left.
  #ordered = true

  constructor(events: WaitQueueEvents<T>, now: () => number) {
    this.#events = events
    this.#now = now
  }

  get length(): number {
    return this.#length
  }

  /** How many of them would each do best with a connection of their own. */
  get separate(): number {
    return this.#separate
  }

  get head(): Waiter<T> | null {
    return this.#head
  }

  /** Puts a caller at the end of the queue; the promise settles when it is served, expired, aborted or rejected. */
  join(kind: LeaseKind, limit: TimeLimit, signal?: AbortSignal): Promise<T> {
    const since = this.#now()
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<T> = {
        kind,
        since,
        limit,
        deadline: since + limit.timeoutMs,
        resolve,
        reject,
        signal,
        onAbort: undefined,
        next: null,
        previous: this.#tail,
        queued: true,
      }
      if (signal) {
        waiter.onAbort = () => {
          this.remove(waiter)
          this.#events.aborted(waiter)
        }
        signal.addEventListener('abort', waiter.onAbort, { once: true })
      }
      if (this.#tail) {
        this.#tail.next = waiter
        if (waiter.deadline < this.#tail.deadline) this.#ordered = false
      } else {
        this.#head = waiter
        this.#ordered = true
      }
      this.#tail = waiter
      this.#length++
      if (kind !== 'shared') this.#separate++
      if (waiter.deadline < this.#timerAt) this.#arm(waiter.deadline)
    })
  }

  /** Takes a waiter out of the queue, wherever it stands. */
  remove(waiter: Waiter<T>): void {
    if (!waiter.queued) return
    waiter.queued = false
    if (waiter.previous) waiter.previous.next = waiter.next
    else this.#head = waiter.next
    if (waiter.next) waiter.next.previous = waiter.previous
    else this.#tail = waiter.previous
    waiter.next = null
    waiter.previous = null
    this.#length--
    if (waiter.kind !== 'shared') this.#separate--
    if (waiter.onAbort) waiter.signal?.removeEventListener('abort', waiter.onAbort)
    if (this.#length === 0) this.#disarm()
  }

  /** Expires those whose deadline passed before `before`, and says how many there were. */
  expireBefore(before: number): number {
    let count = 0
    for (let waiter = this.#head; waiter; ) {
      const { next } = waiter
      if (waiter.deadline < before) {
        count++
        this.remove(waiter)
        this.#events.expired(waiter)
      }
      waiter = next
    }
    return count
  }

  /** Empties the queue, rejecting every waiter. */
  rejectAll(error: unknown): void {
    for (let waiter = this.#head; waiter; waiter = this.#head) {
      this.remove(waiter)
      waiter.reject(error)
    }
  }

  #arm(deadline: number): void {
    this.#stopTimer?.()
    this.#timerAt = deadline
    // What serves a waiter in time may have arrived, and not be read yet.
    const leftMs = Math.max(0, Math.ceil(deadline - this.#now()))
    this.#stopTimer = startTimer(leftMs, () => this.#expire(), this.#now)
  }

  #disarm(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #expire(): void {
    this.#stopTimer = null
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#now()
    const due: Waiter<T>[] = []
    for (let waiter = this.#head; waiter; waiter = waiter.next) {
      if (waiter.deadline <= now) due.push(waiter)
      else if (this.#ordered) break
    }
    // Several are due at once after a late timer: the one whose time ran out first is rejected first.
    for (const waiter of due.sort((one, other) => one.deadline - other.deadline)) {
      // Rejecting one may have served another.
      if (!waiter.queued) continue
      this.remove(waiter)
      this.#events.expired(waiter)
    }
    let earliest = Number.POSITIVE_INFINITY
    for (let waiter = this.#head; waiter; waiter = waiter.next) {
      earliest = Math.min(earliest, waiter.deadline)
      if (this.#ordered) break
    }
    if (this.#length > 0 && earliest < this.#timerAt) this.#arm(earliest)
  }
}
