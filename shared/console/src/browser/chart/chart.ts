import uPlot from 'uplot'
import { create, setText } from '../elements.ts'
import { formatTime } from '../format.ts'
import { columnsOf, type Point } from './history.ts'
import type { Measure, Scales } from './measures.ts'
import { formatAgo, formatMeasure, ticksOf, timesOf } from './scale.ts'

/** A chart of the last minutes with a caption that says in words what it shows. */
export interface Chart {
  readonly element: HTMLElement
  readonly measure: Measure
  /** Shows points up to a time. @param value The number in the caption; null: not known. */
  update(points: readonly Point[], value: number | null, now: number, scales: Scales): void
  /** Draws it again, in the colours that hold now. */
  redraw(): void
}

/** Room that a mark on an axis needs, in px. */
const tickHeight = 26
const timeWidth = 64
/** More marks than this are read by nobody. */
const mostParts = 5
const font = '10px system-ui, sans-serif'

/** Creates a chart; it takes the size of the place it is put in. */
export function createChart(measure: Measure): Chart {
  const { key, title, explanation, unit, read, limit } = measure
  const value = create('b', '')
  const stamp = create('span', 'stamp')
  const plot = create('div', 'plot', stamp)
  plot.setAttribute('role', 'img')
  const most = create('span', '')
  const caption = create('figcaption', '', `${title} `, value, most)
  caption.title = explanation
  const element = create('figure', key, caption, plot)
  const series = [read, limit ?? (() => null)]
  let now = Date.now()
  let latest: number | null = null
  let scales: Scales = { spanMs: 60_000, tops: {} }
  const top = (): number => scales.tops[key] ?? measure.least

  const chart = new uPlot(
    {
      width: 100,
      height: 60,
      legend: { show: false },
      // Half of a label stands out at the ends of both axes.
      padding: [6, 14, 0, 0],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: 'time', scales: ['x', null] },
        points: { size: 5 },
      },
      scales: {
        x: { time: true, range: () => [(now - scales.spanMs) / 1_000, now / 1_000] },
        y: { range: () => [0, top()] },
      },
      axes: [
        {
          size: 17,
          gap: 5,
          font,
          stroke: () => colour('--muted'),
          grid: { show: false },
          ticks: { show: false },
          splits: ({ bbox }) =>
            timesOf(scales.spanMs, Math.min(mostParts, cssPixels(bbox.width) / timeWidth)).map(
              (ago) => (now - ago) / 1_000,
            ),
          values: (_chart, splits) => splits.map((at) => formatAgo(Math.round(now - at * 1_000))),
        },
        {
          size: 42,
          gap: 4,
          font,
          stroke: () => colour('--muted'),
          grid: { stroke: () => colour('--grid'), width: 1 },
          ticks: { show: false },
          splits: ({ bbox }) =>
            ticksOf(top(), unit, Math.min(mostParts, Math.floor(cssPixels(bbox.height) / tickHeight))),
          values: (_chart, splits) => splits.map((at) => (at === 0 ? '0' : formatMeasure(at, unit))),
        },
      ],
      series: [
        {},
        {
          stroke: () => colour(measure.colour),
          fill: () => `${colour(measure.colour)}33`,
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
    const shown = index === null || at === undefined ? latest : (data[1]?.[index] ?? null)
    setText(value, formatMeasure(shown, unit))
    setText(stamp, at === undefined ? '' : formatTime(at * 1_000))
  }

  return {
    element,
    measure,
    update(points, given, at, common) {
      now = at
      latest = given
      scales = common
      const columns = columnsOf(points, series)
      const measured = (columns[1] ?? []).filter((found) => found !== null)
      chart.setData(columns)
      showCursor(chart)
      const last = points.at(-1)
      const bound = (last && limit?.(last)) ?? null
      setText(most, bound === null ? '' : ` of ${bound}`)
      element.classList.toggle('some', (latest ?? 0) > 0)
      const highest =
        measured.length === 0 ? 'no data' : `highest ${formatMeasure(Math.max(...measured), unit)}`
      plot.setAttribute(
        'aria-label',
        `${title} in the last ${scales.spanMs / 60_000} min: now ${formatMeasure(latest, unit)}, ${highest}, scale to ${formatMeasure(top(), unit)}`,
      )
    },
    redraw: () => chart.redraw(false),
  }
}

/** uPlot measures its canvas in the pixels of the screen. */
const cssPixels = (pixels: number): number => pixels / devicePixelRatio

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim()
