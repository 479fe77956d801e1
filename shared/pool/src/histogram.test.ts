import { expect, test } from 'bun:test'
import { Histogram, quantileMs } from './histogram.ts'

function histogramOf(...measurements: number[]): Histogram {
  const histogram = new Histogram()
  for (const ms of measurements) histogram.record(ms)
  return histogram
}

test('a measurement counts in the bucket whose bound it does not exceed', () => {
  const { boundsMs, counts, count, sumMs } = histogramOf(0, 0.1, 0.2, 1, 1.1, 60_000).snapshot()
  const filled = counts.flatMap((n, bucket) => (n > 0 ? [[boundsMs[bucket] ?? 'beyond', n]] : []))
  expect({ filled, count, sumMs }).toEqual({
    filled: [
      [0.1, 2],
      [0.25, 1],
      [1, 1],
      [2.5, 1],
      ['beyond', 1],
    ],
    count: 6,
    sumMs: 60_002.4,
  })
})

test('instants that were only counted go to the first bucket', () => {
  const { counts, count, sumMs } = histogramOf(5).snapshot(3)
  expect({ first: counts[0], count, sumMs }).toEqual({ first: 3, count: 4, sumMs: 5 })
})

test('a quantile is the bound of its bucket, of what came after an earlier snapshot', () => {
  const histogram = histogramOf(0.1, 0.1, 0.1, 400)
  const before = histogram.snapshot()
  expect([quantileMs(before, 0.5), quantileMs(before, 0.99)]).toEqual([0.1, 500])
  expect(quantileMs(histogram.snapshot(), 0.5, before)).toBeNull()
  for (let i = 0; i < 99; i++) histogram.record(3)
  histogram.record(90_000)
  const after = histogram.snapshot()
  expect([quantileMs(after, 0.99, before), quantileMs(after, 1, before)]).toEqual([
    5,
    Number.POSITIVE_INFINITY,
  ])
})
