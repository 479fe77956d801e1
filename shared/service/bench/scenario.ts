import type { Bar, Collector, Metric, Result } from '@shared/database/bench'
import type { World } from './world.ts'

/** What a scenario works with. */
export interface Context {
  readonly world: World
  readonly collector: Collector
  readonly rounds: number
  readonly roundMs: number
  /** Reports what runs now. @throws the signal's reason when the run was stopped. */
  step(line: string): void
}

export interface Scenario {
  readonly title: string
  readonly metrics: readonly Metric[]
  run(context: Context): Promise<void>
  /** What the numbers have to keep. */
  bars(results: readonly Result[]): Bar[]
}
