import type { Sample } from '../monitor-report.ts'
/** What one chart shows. */
export interface ChartSpec {
  readonly title: string
  /** The custom property of its colour: `--used`. */
  readonly colour: string
  readonly read: (sample: Sample) => number | null
  /** A line to compare with, such as a limit; null: none. */
  readonly limit?: (sample: Sample) => number | null
  /** The scale reaches at least this far. */
  readonly least: number
  readonly format: (value: number | null) => string
}
/** A chart of the last minutes with a caption that says in words what it shows. */
export interface Chart {
  readonly element: HTMLElement
  update(samples: readonly Sample[], now: number): void
  /** Draws it again, in the colours that hold now. */
  redraw(): void
}
/** Creates a chart; it takes the size of the place it is put in. */
export declare function createChart(spec: ChartSpec): Chart
