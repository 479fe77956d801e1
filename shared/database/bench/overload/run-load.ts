import { setTimeout as sleep } from 'node:timers/promises'
import { calm, type Load, promptMs } from './loads.ts'

/** What became of one caller. Times in ms since the start of the run. */
export interface Call {
  /** When it came by the plan: a late start of the program counts as waiting. */
  readonly at: number
  readonly endedAt: number
  readonly served: boolean
  readonly code: string | null
}

/** A run of a load: its calls in the order of their ends, and when the measured part began and ended. */
export interface Run {
  readonly calls: readonly Call[]
  readonly from: number
  readonly until: number
}

/**
 * Lets callers come at random, at the rates of the load, before and after it at the calm one, and ends when the traces of
 * the load are gone.
 *
 * @param perSecond What the pool can serve.
 * @param work One call; returns null, or the code of the error that it failed with.
 */
export async function runLoad(
  load: Load,
  perSecond: number,
  random: () => number,
  work: () => Promise<string | null>,
): Promise<Run> {
  const startedAt = performance.now()
  const now = () => performance.now() - startedAt
  const calls: Call[] = []
  const pending = new Set<Promise<void>>()
  let lastTrace = 0
  let next = 0

  async function call(at: number): Promise<void> {
    const code = await work()
    const endedAt = now()
    calls.push({ at, endedAt, served: code === null, code })
    if (code !== null || endedAt - at > promptMs) lastTrace = Math.max(lastTrace, endedAt)
  }
  async function arrive(times: number, until: number, enough = () => false): Promise<void> {
    const gapMs = 1_000 / (perSecond * times)
    next = Math.max(next, 0)
    while (next < until && !enough()) {
      while (next <= now() && next < until) {
        const under: Promise<void> = call(next).finally(() => pending.delete(under))
        pending.add(under)
        next -= Math.log(1 - random()) * gapMs
      }
      await sleep(1)
    }
  }

  await arrive(calm.times, calm.beforeMs)
  const from = calm.beforeMs
  let until = from
  for (const { times, forMs } of load.phases) {
    next = until
    until += forMs
    await arrive(times, until)
  }
  next = until
  lastTrace = Math.max(lastTrace, until)
  await arrive(calm.times, until + calm.boundMs, () => now() - lastTrace > calm.quietMs && pending.size < 4)
  await Promise.all(pending)
  return { calls, from, until }
}
