import { Histogram } from './histogram.ts'
import type { Slot } from './slot.ts'
import type { PoolTimings } from './status.ts'
import type { Waiter } from './wait-queue.ts'

/** How long what is not over yet has taken until now: what waits, and what is held. A wait without an end is in no other number. */
export function currentTimes<C>(
  slots: Iterable<Slot<C>>,
  queue: { readonly head: Waiter<Slot<C>> | null },
  now: number,
): Pick<PoolTimings, 'waitingMs' | 'holdingMs'> {
  const waiting = new Histogram()
  const holding = new Histogram()
  for (let { head: waiter } = queue; waiter; waiter = waiter.next) waiting.record(now - waiter.since)
  for (const { state, since, shares, busySince } of slots) {
    if (state === 'idle' || state === 'connecting' || state === 'pinging') continue
    const heldMs = now - (state === 'exclusive' ? since : busySince)
    holding.record(heldMs)
    for (let behind = 1; behind < shares; behind++) waiting.record(heldMs)
  }
  return { waitingMs: waiting.snapshot(), holdingMs: holding.snapshot() }
}
