import { expect, test } from 'bun:test'
import { columnsOf, firstShown, recent } from '../src/browser/history.ts'
import type { Sample } from '../src/monitor-report.ts'

const sample = (at: number, used = 1, waitP99Ms: number | null = null): Sample => ({
  at,
  used,
  waitP99Ms,
  idle: 0,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  max: 30,
  checkouts: 0,
  useP50Ms: null,
  useP99Ms: null,
  failures: 0,
  health: null,
})

test('a silence is a gap in the chart, and so is what was not measured', () => {
  const samples = [sample(1_000, 1, 5), sample(2_000, 2), sample(9_000, 3, 7)]
  expect(columnsOf(samples, [({ used }) => used, ({ waitP99Ms }) => waitP99Ms])).toEqual([
    [1, 2, 2.001, 9],
    [1, 2, null, 3],
    [5, null, null, 7],
  ])
})

test('only the last five minutes are kept', () => {
  const samples = [sample(0), sample(100_000), sample(400_000)]
  expect(recent(samples, 400_000).map(({ at }) => at)).toEqual([100_000, 400_000])
  expect(recent(samples, 1_000_000)).toEqual([])
})

test('charts begin with the first sample, a minute ago at the latest and five at the earliest', () => {
  const now = 1_000_000
  expect([
    firstShown([], now),
    firstShown([sample(now - 5_000)], now),
    firstShown([sample(now - 90_000)], now),
    firstShown([sample(now - 400_000)], now),
  ]).toEqual([now - 60_000, now - 60_000, now - 90_000, now - 300_000])
})
