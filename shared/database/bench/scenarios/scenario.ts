import type { Bar, Collector, Metric, Result } from '../kit/index.ts'
import type { World } from '../world.ts'

/** How long a run takes: `quick` shows that everything works, `full` adds what takes minutes. */
export interface Size {
  readonly name: 'quick' | 'normal' | 'full'
  readonly rounds: number
  readonly roundMs: number
}

export const sizes: Readonly<Record<Size['name'], Size>> = {
  quick: { name: 'quick', rounds: 3, roundMs: 300 },
  normal: { name: 'normal', rounds: 5, roundMs: 800 },
  full: { name: 'full', rounds: 11, roundMs: 2_000 },
}

/** What a scenario works with. */
export interface Context {
  readonly size: Size
  readonly collector: Collector
  /** The server, started when first asked for. */
  world(): Promise<World>
  /** Says what runs now. @throws the signal's reason when the run was stopped. */
  step(line: string): void
}

export interface Scenario {
  readonly title: string
  readonly metrics: readonly Metric[]
  run(context: Context): Promise<void>
  /** What the numbers have to keep. */
  bars(results: readonly Result[]): Bar[]
}

/** What every load under queries measures. */
export const loadMetrics: readonly Metric[] = [
  { id: 'perSecond', title: '/s', better: 'higher' },
  { id: 'p50Ms', title: 'p50 ms', better: null },
  { id: 'p99Ms', title: 'p99 ms', better: 'lower' },
  { id: 'cpuUs', title: 'cpu µs', better: 'lower' },
]
