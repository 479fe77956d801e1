import { expect, test } from 'bun:test'
import { describeReport, leaves } from '../src/browser/report/describe-report.ts'
import { describeTime, describeValue } from '../src/browser/report/values.ts'

test('a number has one name, and a unit', () => {
  const report = {
    service: 'auth',
    status: 'healthy',
    reasons: [],
    database: { latencyMs: 0.553, checkedAt: null },
    pool: {
      checkedOut: 3,
      maxOverflow: -1,
      longestWaitMs: 1_234,
      counters: { waits: 4_711, closes: { idle: 2, lost: 0 } },
    },
    process: { memory: { rssBytes: 158_474_240 } },
    ceiling: { used: 7 },
    cluster: null,
  }
  expect(describeReport(report)).toEqual([
    {
      title: 'Health',
      entries: [
        { name: 'Status', text: 'healthy' },
        { name: 'Why it is not healthy', text: 'it is healthy' },
        { name: 'Answer time of the database', text: '0.55 ms' },
        { name: 'Database last asked at', text: 'none' },
        { name: 'Other hosts of the database', text: 'none' },
      ],
    },
    {
      title: 'Connection pool, now',
      entries: [
        { name: 'Connections in use', text: '3' },
        { name: 'Connections allowed beyond them (overflow)', text: 'no limit' },
        { name: 'Longest wait in the queue', text: '1.2 s' },
      ],
    },
    {
      title: 'Connection pool, since the start',
      entries: [{ name: 'Callers that had to queue', text: '4,711' }],
    },
    { title: 'Closed connections, since the start', entries: [{ name: 'Idle for too long', text: '2' }] },
    { title: 'Process', entries: [{ name: 'Memory', text: '151.1 MiB' }] },
    {
      title: 'Connections shared by all processes',
      entries: [{ name: 'Connections that they have taken', text: '7' }],
    },
  ])
})

test('a field that is not known has the words of its key, with its unit', () => {
  const report = {
    weather: { windSpeedMs: 90_000, isFair: true },
    pool: { newestThing: ['a', 'b'] },
    plain: { deep: { thing: 1 } },
  }
  expect(describeReport(report)).toEqual([
    { title: 'Connection pool, now', entries: [{ name: 'Newest thing', text: 'a, b' }] },
    {
      title: 'Weather',
      entries: [
        { name: 'Wind speed', text: '90 s' },
        { name: 'Is fair', text: 'yes' },
      ],
    },
    { title: 'Plain', entries: [{ name: 'Thing', text: '1' }] },
  ])
})

test('the leaves of a report are the fields that hold no others', () => {
  expect(leaves({ one: 1, two: { three: null, four: [{ five: 5 }] } })).toEqual([
    ['one', 1],
    ['two.three', null],
    ['two.four', [{ five: 5 }]],
  ])
})

test('a time says its day where that is not today', () => {
  const now = new Date(2026, 10, 29, 15, 0, 0)
  const at = (...parts: [number, number, number, number, number, number]) =>
    describeTime(new Date(...parts).toISOString(), now)
  expect([at(2026, 10, 29, 14, 3, 7), at(2026, 10, 28, 14, 3, 7), at(2025, 10, 29, 14, 3, 7)]).toEqual([
    '14:03:07',
    '28 Nov, 14:03:07',
    '29 Nov 2025, 14:03:07',
  ])
})

test('a time inside of a text is shown as time of day, as everywhere on the page', () => {
  const at = '2026-01-01T09:57:57.978Z'
  expect(describeValue('detail', `not since ${at}`, '–')).toBe(
    `not since ${new Date(at).toLocaleTimeString('en-GB')}`,
  )
})

test('a process id is no number to be grouped, and a text that looks like a time in part stays', () => {
  expect([describeValue('pid', 12_345, '–'), describeValue('text', '2026-11-29Tea', '–')]).toEqual([
    '12345',
    '2026-11-29Tea',
  ])
})
