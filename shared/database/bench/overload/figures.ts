import { patienceMs, promptMs } from './loads.ts'
import type { Run } from './run-load.ts'

/** What a run of a load comes to. Times in ms. */
export interface Figures {
  /** Callers served within their patience; in a report, of those that the best line served under that load in that round. */
  goodput: number
  /** Of the callers, the share that was refused, in the queue or at once. */
  refused: number
  /** Of the callers, the share that was served when nobody had use for it any more. */
  late: number
  servedP50: number | null
  servedP99: number | null
  refusedP50: number | null
  refusedP99: number | null
  /** After the load, until the last call that was refused or not prompt had come. */
  recovery: number
}

/** Sums up the callers of the measured part, and those after it that still felt it. */
export function figuresOf({ calls, from, until }: Run): Figures {
  const measured = calls.filter(({ at }) => at >= from && at < until)
  const times = (served: boolean) =>
    measured
      .filter((call) => call.served === served)
      .map(({ at, endedAt }) => endedAt - at)
      .toSorted((a, b) => a - b)
  const [served, refused] = [times(true), times(false)]
  const good = served.filter((ms) => ms <= patienceMs).length
  const traces = calls
    .filter((call) => call.at >= until && (!call.served || call.endedAt - call.at > promptMs))
    .map(({ at }) => at - until)
  return {
    goodput: good,
    refused: refused.length / measured.length,
    late: (served.length - good) / measured.length,
    servedP50: quantile(served, 0.5),
    servedP99: quantile(served, 0.99),
    refusedP50: quantile(refused, 0.5),
    refusedP99: quantile(refused, 0.99),
    recovery: Math.max(0, ...traces),
  }
}

/** The middle of several runs, figure by figure. */
export function medianOf(rounds: readonly Figures[]): Figures {
  const middle = (key: keyof Figures) => {
    const known = rounds.map((round) => round[key]).filter((value) => value !== null)
    return quantile(
      known.toSorted((a, b) => a - b),
      0.5,
    )
  }
  return {
    goodput: middle('goodput') ?? 0,
    refused: middle('refused') ?? 0,
    late: middle('late') ?? 0,
    servedP50: middle('servedP50'),
    servedP99: middle('servedP99'),
    refusedP50: middle('refusedP50'),
    refusedP99: middle('refusedP99'),
    recovery: middle('recovery') ?? 0,
  }
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}
