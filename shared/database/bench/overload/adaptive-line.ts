import type { TimeLimit } from '@shared/pool'
import { type Waiter, WaitQueue } from '@shared/pool/testing'

/** A bound on waiting that tightens while the line is never empty. Times in ms. */
export interface Adaptive {
  /** A line that has not been empty for so long stands: there is more work than can be done. */
  intervalMs: number
  /** Longest wait of a caller that joins a line that stands. */
  targetMs: number
  /** Longest wait of any other; Infinity leaves it the deadline that it came with. */
  otherwiseMs: number
  /** Serves the last one first while the line stands. */
  lifo: boolean
  /** Refuses at once whoever would wait for longer, by the pace at which the line was served lately. */
  expectedMs: number
}

interface Standing {
  emptyAt: number
  tail: Waiter<unknown> | null
  servedAt: number
  /** Between one waiter that was served and the next, on average; 0 while unknown. */
  paceMs: number
}

// How much one more interval counts in the average.
const weight = 0.1

/** The caller would have waited for longer than it may. */
export class ExpectedWaitError extends Error {}

function countServed(standing: Standing, waiter: Waiter<unknown>): void {
  const now = performance.now()
  if (waiter.deadline <= now) return
  // Only while somebody waits does the time between two of them say anything of the pool's pace.
  if (standing.servedAt > standing.emptyAt) {
    const intervalMs = now - standing.servedAt
    standing.paceMs += (standing.paceMs === 0 ? 1 : weight) * (intervalMs - standing.paceMs)
  }
  standing.servedAt = now
}

/**
 * Gives every line made until disposal an adaptive bound, as "Fail at Scale" (Maurer, 2015) has it after CoDel (Nichols
 * and Jacobson, 2012).
 *
 * It takes the place of methods of the class, so that what is measured is the pool as it is, with nothing in it made for
 * measuring.
 */
export function installAdaptive({
  intervalMs,
  targetMs,
  otherwiseMs,
  lifo,
  expectedMs,
}: Adaptive): Disposable {
  const { prototype } = WaitQueue
  const original = Object.getOwnPropertyDescriptors(prototype)
  const lines = new WeakMap<WaitQueue<unknown>, Standing>()
  const standingOf = (line: WaitQueue<unknown>): Standing => {
    const present = lines.get(line)
    if (present) return present
    const made = { emptyAt: performance.now(), tail: null, servedAt: 0, paceMs: 0 }
    lines.set(line, made)
    return made
  }
  const stands = (line: WaitQueue<unknown>, standing: Standing) =>
    line.length > 0 && performance.now() - standing.emptyAt > intervalMs
  /** Since the last one was served, or the line began, and a pace for each that is in it. */
  const expectedOf = (line: WaitQueue<unknown>, { servedAt, emptyAt, paceMs }: Standing) =>
    line.length > 0 && paceMs > 0 ? performance.now() - Math.max(servedAt, emptyAt) + line.length * paceMs : 0
  const headOf = (line: WaitQueue<unknown>): Waiter<unknown> | null => original.head.get?.call(line) ?? null

  const join = function (
    this: WaitQueue<unknown>,
    kind: Waiter<unknown>['kind'],
    limit: TimeLimit,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const standing = standingOf(this)
    if (this.length === 0) standing.emptyAt = performance.now()
    if (expectedOf(this, standing) > expectedMs) return Promise.reject(new ExpectedWaitError())
    const longestMs = stands(this, standing) ? targetMs : otherwiseMs
    const shorter = { ...limit, timeoutMs: Math.min(limit.timeoutMs, longestMs) }
    const answer = original.join.value?.call(this, kind, shorter, signal)
    standing.tail = standing.tail?.next ?? headOf(this)
    return answer as Promise<unknown>
  }
  const remove = function (this: WaitQueue<unknown>, waiter: Waiter<unknown>): void {
    const standing = standingOf(this)
    if (standing.tail === waiter) standing.tail = waiter.previous
    if (waiter.queued) countServed(standing, waiter)
    original.remove.value?.call(this, waiter)
    if (this.length === 0) standing.emptyAt = performance.now()
  }
  const head = function (this: WaitQueue<unknown>): Waiter<unknown> | null {
    const standing = standingOf(this)
    return lifo && stands(this, standing) ? standing.tail : headOf(this)
  }
  Object.defineProperties(prototype, {
    join: { ...original.join, value: join },
    remove: { ...original.remove, value: remove },
    head: { ...original.head, get: head },
  })
  return {
    [Symbol.dispose]() {
      const { join, remove, head } = original
      Object.defineProperties(prototype, { join, remove, head })
    },
  }
}
