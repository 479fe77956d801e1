import { expect, test } from 'bun:test'
import { gatherEvents } from './events.ts'

const at = (second: number): string => new Date(second * 1_000).toISOString()
const failed = (second: number) => ({ type: 'connect-failed', code: 'ECONNREFUSED', at: at(second) })
const slow = (second: number) => ({ type: 'checkout-slow', code: null, at: at(second) })

test('events of one kind that follow each other within ten seconds are one, also with others between them', () => {
  expect(gatherEvents([failed(0), slow(1), failed(9), slow(9), failed(19), failed(30)])).toEqual([
    { type: 'connect-failed', code: 'ECONNREFUSED', at: 30_000, count: 1 },
    { type: 'connect-failed', code: 'ECONNREFUSED', at: 19_000, count: 3 },
    { type: 'checkout-slow', code: null, at: 9_000, count: 2 },
  ])
})

test('events with other codes stay apart', () => {
  const refused = { ...failed(1), code: '53300' }
  expect(gatherEvents([failed(0), refused]).map(({ code, count }) => ({ code, count }))).toEqual([
    { code: '53300', count: 1 },
    { code: 'ECONNREFUSED', count: 1 },
  ])
})
