import { describe, expect, test } from 'bun:test'
import { pointsOf } from '../src/browser/chart/history.ts'
import { scalesOf } from '../src/browser/chart/measures.ts'
import { formatAgo, formatMeasure, ticksOf, timesOf, topOf } from '../src/browser/chart/scale.ts'
import type { Sample } from '../src/monitor-report.ts'

describe('the upper end of a scale', () => {
  test.each([
    ['is never below the least, so that what is harmless looks so', 1.4, 100, 100],
    ['stays where the value fits exactly', 30, 4, 30],
    ['is the next round number', 31, 4, 40],
    ['is round for large values too', 8_100, 100, 10_000],
  ])('%s', (_what, value, least, expected) => {
    expect(topOf(value, least)).toBe(expected)
  })
})

describe('the ticks of a scale', () => {
  test.each([
    ['as many as there is room for', 40, 'rate', 4, [0, 10, 20, 30, 40]],
    ['fewer where they would be odd numbers', 600, 'duration', 4, [0, 200, 400, 600]],
    ['both ends where there is no room', 40, 'rate', 1, [0, 40]],
    ['a half that is not quite round rather than none', 30, 'count', 2, [0, 15, 30]],
    ['parts of a whole of what is measured', 5, 'duration', 2, [0, 2.5, 5]],
    ['nothing but whole things of what is counted', 5, 'count', 2, [0, 5]],
  ] as const)('are %s', (_what, top, unit, parts, expected) => {
    expect(ticksOf(top, unit, parts)).toEqual([...expected])
  })

  test('of counts are whole, start at 0 and end at the top, whatever the scale and the room', () => {
    for (let most = 1; most <= 2_000; most++)
      for (let parts = 1; parts <= 5; parts++) {
        const top = topOf(most, 4)
        const ticks = ticksOf(top, 'count', parts)
        expect([ticks.every(Number.isInteger), ticks[0], ticks.at(-1), ticks.length <= parts + 1]).toEqual([
          true,
          0,
          top,
          true,
        ])
      }
  })
})

test('the marks of the time axis are its ends, and what fits between them', () => {
  const marks = [
    timesOf(60_000, 2.9),
    timesOf(180_000, 5),
    timesOf(300_000, 5),
    timesOf(300_000, 3),
    timesOf(300_000, 1),
    timesOf(300_000, 0.2),
  ].map((times) => times.map(formatAgo))
  expect(marks).toEqual([
    ['−1 min', '−30 s', 'now'],
    ['−3 min', '−2 min', '−1 min', 'now'],
    ['−5 min', '−4 min', '−3 min', '−2 min', '−1 min', 'now'],
    ['−5 min', '−2.5 min', 'now'],
    ['−5 min', 'now'],
    ['−5 min', 'now'],
  ])
})

test('values have their unit', () => {
  expect([
    formatMeasure(12, 'count'),
    formatMeasure(0.5, 'rate'),
    formatMeasure(12_300, 'rate'),
    formatMeasure(0.42, 'duration'),
    formatMeasure(30_000, 'duration'),
    formatMeasure(null, 'rate'),
  ]).toEqual(['12', '0.5/s', '12.3k/s', '0.42 ms', '30 s', '–'])
})

test('all services have the scales of the one that needs the most room', () => {
  const now = 400_000
  const sample: Sample = {
    at: now - 1_000,
    idle: 0,
    used: 1,
    overflow: 0,
    connecting: 0,
    waiting: 0,
    behind: 0,
    max: 8,
    checkouts: 1,
    statements: 1,
    waitP99Ms: 0.1,
    useP50Ms: 1,
    useP99Ms: 1,
    failures: 0,
    health: { status: 'connected', latencyMs: 10 },
  }
  const calm = pointsOf([sample])
  const busy = pointsOf([
    { ...sample, at: now - 100_000, max: 30, waiting: 13, health: { status: 'connected', latencyMs: 1_900 } },
    { ...sample, at: now - 99_000, statements: 480, failures: 7 },
  ])
  expect({ alone: scalesOf([calm], now), both: scalesOf([calm, busy], now) }).toEqual({
    alone: { spanMs: 60_000, tops: { used: 8, waiting: 4, wait: 100, queries: 10, errors: 4, latency: 100 } },
    both: {
      spanMs: 120_000,
      tops: { used: 30, waiting: 20, wait: 100, queries: 500, errors: 8, latency: 2_000 },
    },
  })
})
