import { expect, test } from 'bun:test'
import { axisTicks, placeOf } from '../src/browser/report/time-axis.ts'

test.each<[number, number[]]>([
  [0, [0]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [100, [0, 50, 100]],
  [479, [0, 200, 400]],
  [1_100, [0, 500, 1_000]],
  [2_000, [0, 500, 1_000, 1_500, 2_000]],
  [30_010, [0, 10_000, 20_000, 30_000]],
])('an axis of %p ms has marks at round times', (endMs, ticks) => {
  expect(axisTicks(endMs)).toEqual(ticks)
})

test('a bar lies where its time was, is wide enough to be seen, and never beyond the axis', () => {
  const place = (startMs: number, durationMs: number, endMs = 200) => placeOf({ startMs, durationMs }, endMs)
  expect([
    place(50, 100),
    place(10, 0),
    place(200, 0),
    place(150, 100),
    place(-10, 30),
    place(0, 0, 0),
  ]).toEqual([
    { left: 25, width: 50 },
    { left: 5, width: 0.5 },
    { left: 99.5, width: 0.5 },
    { left: 75, width: 25 },
    { left: 0, width: 10 },
    { left: 0, width: 0.5 },
  ])
})
