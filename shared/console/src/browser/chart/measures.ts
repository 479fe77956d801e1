import type { Pool } from '../../monitor-report.ts'
import { type Point, spanOf } from './history.ts'
import { topOf, type Unit } from './scale.ts'

/** What one chart on each card shows. */
export interface Measure {
  readonly key: string
  readonly title: string
  /** What it is, for those who do not know the word. */
  readonly explanation: string
  /** The custom property of its colour: `--used`. */
  readonly colour: string
  readonly unit: Unit
  /** Its scale reaches at least this far, so that what is harmless looks harmless. */
  readonly least: number
  readonly read: (point: Point) => number | null
  /** A value to compare with, such as a limit; null: none. */
  readonly limit?: (point: Point) => number | null
  /** Its value now, where the pool's report is newer than the last sample. */
  readonly now?: (pool: Pool) => number
}

/** The charts of a card, in their order. */
export const measures: readonly Measure[] = [
  {
    key: 'used',
    title: 'used',
    explanation: 'Connections in use; the broken line is the most that the pool opens',
    colour: '--used',
    unit: 'count',
    least: 4,
    read: ({ used }) => used,
    limit: ({ max }) => max,
    now: ({ checkedOut }) => checkedOut,
  },
  {
    key: 'waiting',
    title: 'waiting',
    explanation: 'Callers in the queue for a connection',
    colour: '--waiting',
    unit: 'count',
    least: 4,
    read: ({ waiting }) => waiting,
    now: ({ waiting }) => waiting,
  },
  {
    key: 'wait',
    title: 'wait p99',
    explanation: 'The time within which 99 of 100 callers had a connection, rounded up',
    colour: '--waiting',
    unit: 'duration',
    least: 100,
    read: ({ waitP99Ms }) => waitP99Ms,
  },
  {
    key: 'queries',
    title: 'queries',
    explanation: 'Statements that PostgreSQL was sent and that ended, a second',
    colour: '--used',
    unit: 'rate',
    least: 10,
    read: ({ queriesPerSecond }) => queriesPerSecond,
  },
  {
    key: 'errors',
    title: 'errors',
    explanation: 'Requests answered with 5xx, a second',
    colour: '--bad',
    unit: 'rate',
    least: 4,
    read: ({ failuresPerSecond }) => failuresPerSecond,
  },
  {
    key: 'latency',
    title: 'probe latency',
    explanation: 'The time in which PostgreSQL answers select 1 outside the pool',
    colour: '--latency',
    unit: 'duration',
    least: 100,
    read: ({ health }) => health?.latencyMs ?? null,
  },
]

/** The scales that the charts of all cards have in common: services are compared by looking. */
export interface Scales {
  readonly spanMs: number
  /** The upper end of each measure, by its key. */
  readonly tops: Readonly<Record<string, number>>
}

/** The scales that have room for the points of all services. */
export function scalesOf(services: readonly (readonly Point[])[], now: number): Scales {
  const points = services.flat()
  const most = ({ read, limit }: Measure): number =>
    points.reduce((found, point) => Math.max(found, read(point) ?? 0, limit?.(point) ?? 0), 0)
  return {
    spanMs: spanOf(
      services.flatMap(([first]) => first?.at ?? []),
      now,
    ),
    tops: Object.fromEntries(measures.map((measure) => [measure.key, topOf(most(measure), measure.least)])),
  }
}
