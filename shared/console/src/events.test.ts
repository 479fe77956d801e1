import { expect, test } from 'bun:test'
import { gatherEvents, latestEvents } from './events.ts'

const at = (second: number): string => new Date(second * 1_000).toISOString()
const failed = (second: number) => ({
  type: 'connect-failed',
  code: 'ECONNREFUSED',
  detail: null,
  at: at(second),
})
const slow = (second: number) => ({
  type: 'checkout-slow',
  code: null,
  detail: `after ${second} s`,
  at: at(second),
})

test('events of one kind that follow each other within ten seconds are one, also with others between them', () => {
  expect(gatherEvents([failed(0), slow(1), failed(9), slow(9), failed(19), failed(30)])).toEqual([
    { type: 'connect-failed', code: 'ECONNREFUSED', detail: null, at: 30_000, count: 1 },
    { type: 'connect-failed', code: 'ECONNREFUSED', detail: null, at: 19_000, count: 3 },
    { type: 'checkout-slow', code: null, detail: 'after 9 s', at: 9_000, count: 2 },
  ])
})

test('a long detail is shown by its beginning, with how much more there is and where', () => {
  const [short, long] = [300, 1_300].map((length) => ({ ...failed(0), detail: 'x'.repeat(length) }))
  expect([short, long].map((event) => gatherEvents(event ? [event] : [])[0]?.detail)).toEqual([
    'x'.repeat(300),
    `${'x'.repeat(300)}… (1000 more characters in /health/detailed)`,
  ])
})

test('events with other codes stay apart', () => {
  const refused = { ...failed(1), code: '53300' }
  expect(gatherEvents([failed(0), refused]).map(({ code, count }) => ({ code, count }))).toEqual([
    { code: '53300', count: 1 },
    { code: 'ECONNREFUSED', count: 1 },
  ])
})

test('how it began stays among the latest, though much has followed', () => {
  const began = { type: 'degraded', code: null, detail: '4 of 4 in use', at: at(0) }
  const followed = [1, 2, 3, 4, 5].map((second) => ({ ...failed(second), code: `E${second}` }))
  expect(latestEvents([failed(-60), began, ...followed], 4).map(({ type, at }) => [type, at])).toEqual([
    ['connect-failed', 5_000],
    ['connect-failed', 4_000],
    ['connect-failed', 3_000],
    ['degraded', 0],
  ])
})
