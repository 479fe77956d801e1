import uPlot from 'uplot'
import type { Sample } from '../monitor-report.ts'
import { create, setText } from './elements.ts'
import { formatTime } from './format.ts'
import { columnsOf, firstShown, windowMs } from './history.ts'

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

const minutes = windowMs / 60_000

/** Creates a chart; it takes the size of the place it is put in. */
export function createChart(spec: ChartSpec): Chart {
  const value = create('b', '')
  const caption = create('figcaption', '', `${spec.title} `, value)
  const plot = create('div', 'plot')
  plot.setAttribute('role', 'img')
  const element = create('figure', '', caption, plot)
  let now = Date.now()
  let first = now - windowMs
  let latest: number | null = null
  const series = [spec.read, spec.limit ?? (() => null)]

  const chart = new uPlot(
    {
      width: 100,
      height: 60,
      legend: { show: false },
      padding: [4, 2, 6, 2],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: 'time', scales: ['x', null] },
        points: { size: 5 },
      },
      scales: {
        x: { time: true, range: () => [first / 1_000, now / 1_000] },
        y: { range: (_chart, _least, most) => [0, Math.max(spec.least, most ?? 0) * 1.05] },
      },
      axes: [
        { show: false },
        {
          size: 30,
          gap: 4,
          space: 24,
          font: '10px system-ui, sans-serif',
          stroke: () => colour('--muted'),
          grid: { stroke: () => colour('--grid'), width: 1 },
          ticks: { show: false },
          values: (_chart, splits) => splits.map(shortNumber),
        },
      ],
      series: [
        {},
        {
          stroke: () => colour(spec.colour),
          fill: () => `${colour(spec.colour)}33`,
          width: 1.5,
          spanGaps: false,
          points: { size: 3 },
        },
        { stroke: () => colour('--muted'), width: 1, dash: [3, 3], points: { show: false } },
      ],
      hooks: { setCursor: [showCursor] },
    },
    columnsOf([], series),
    plot,
  )
  new ResizeObserver(([entry]) => {
    if (entry === undefined) return
    const { width, height } = entry.contentRect
    if (width > 0 && height > 0) chart.setSize({ width: Math.floor(width), height: Math.floor(height) })
  }).observe(plot)

  function showCursor({ cursor, data }: uPlot): void {
    const index = cursor.idx ?? null
    const at = index === null ? undefined : data[0][index]
    if (index === null || at === undefined) setText(value, spec.format(latest))
    else setText(value, `${spec.format(data[1]?.[index] ?? null)} at ${formatTime(at * 1_000)}`)
  }

  return {
    element,
    update(samples, at) {
      now = at
      first = firstShown(samples, at)
      const columns = columnsOf(samples, series)
      const measured = (columns[1] ?? []).filter((found) => found !== null)
      latest = columns[1]?.at(-1) ?? null
      chart.setData(columns)
      showCursor(chart)
      const highest = measured.length === 0 ? 'no data' : `highest ${spec.format(Math.max(...measured))}`
      plot.setAttribute(
        'aria-label',
        `${spec.title} in the last ${minutes} minutes: now ${spec.format(latest)}, ${highest}`,
      )
    },
    redraw: () => chart.redraw(false),
  }
}

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const shortNumber = (value: number): string =>
  value >= 1_000 ? `${+(value / 1_000).toFixed(1)}k` : String(+value.toFixed(2))
