import { expect, test } from 'bun:test'
import { columnsOf, pointsOf, recent, spanOf } from '../src/browser/chart/history.ts'
import type { Sample } from '../src/monitor-report.ts'

const sample = (at: number, counts: Partial<Sample> = {}): Sample => ({
  at,
  used: 1,
  waitP99Ms: null,
  idle: 0,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  behind: 0,
  max: 30,
  checkouts: 0,
  statements: 0,
  useP50Ms: null,
  useP99Ms: null,
  failures: 0,
  health: null,
  ...counts,
})

test('a silence is a gap in the chart, and so is what was not measured', () => {
  const points = pointsOf([
    sample(1_000, { waitP99Ms: 5 }),
    sample(2_000, { used: 2 }),
    sample(9_000, { used: 3, waitP99Ms: 7 }),
  ])
  expect(columnsOf(points, [({ used }) => used, ({ waitP99Ms }) => waitP99Ms])).toEqual([
    [1, 2, 2.001, 9],
    [1, 2, null, 3],
    [5, null, null, 7],
  ])
})

test('counts are divided by the time since the sample before, and by no time of which nothing is known', () => {
  const samples = [
    sample(1_000, { statements: 7, failures: 1 }),
    sample(3_000, { statements: 30, failures: 4 }),
    sample(3_500, { statements: null, failures: 0 }),
    sample(60_000, { statements: 9, failures: 9 }),
    sample(61_000, { statements: 9, failures: 9 }),
  ]
  const rates = pointsOf(samples).map(({ queriesPerSecond, failuresPerSecond }) => [
    queriesPerSecond,
    failuresPerSecond,
  ])
  expect(rates).toEqual([
    [null, null],
    [15, 2],
    [null, 0],
    [null, null],
    [9, 9],
  ])
})

test('only the last five minutes are kept', () => {
  const samples = [sample(0), sample(100_000), sample(400_000)]
  expect(recent(samples, 400_000).map(({ at }) => at)).toEqual([100_000, 400_000])
  expect(recent(samples, 1_000_000)).toEqual([])
})

test('charts reach back to the oldest sample of all services, in whole minutes from one to five', () => {
  const now = 1_000_000
  const ago = (...times: number[]) =>
    spanOf(
      times.map((ms) => now - ms),
      now,
    )
  expect([ago(), ago(5_000), ago(5_000, 90_000), ago(120_000), ago(400_000)]).toEqual([
    60_000, 60_000, 120_000, 120_000, 300_000,
  ])
})
