import { expect, test } from 'bun:test'
import { median, percentile, ratio, rotate, spread, summarize } from './statistics.ts'

test('the median is the middle value, or the mean of the two in the middle, whatever the order', () => {
  expect([median([3, 1, 2]), median([10, 4, 1, 2]), median([7])]).toEqual([2, 3, 7])
  expect(() => median([])).toThrow(RangeError)
})

test('a percentile is a value that was measured, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  expect([0, 50, 99, 99.5, 100].map((percent) => percentile(hundred, percent))).toEqual([1, 50, 99, 100, 100])
  expect(percentile([5], 99)).toBe(5)
  expect(() => percentile([], 50)).toThrow(RangeError)
})

test('the spread is half the range as a share of the median', () => {
  const stat = summarize([90, 100, 130])
  expect(stat).toEqual({ median: 100, min: 90, max: 130, rounds: [90, 100, 130] })
  expect([spread(stat), spread(summarize([0, 0]))]).toEqual([0.2, 0])
})

test('a ratio compares round with round, so that a bad round of both does not count', () => {
  expect(ratio(summarize([200, 20, 220]), summarize([100, 10, 110]))).toBe(2)
  expect(ratio(summarize([300]), summarize([100, 200]))).toBe(2)
})

test('rounds start one candidate further each time', () => {
  const items = ['a', 'b', 'c']
  expect([0, 1, 2, 3].map((round) => rotate(items, round).join(''))).toEqual(['abc', 'bca', 'cab', 'abc'])
})
