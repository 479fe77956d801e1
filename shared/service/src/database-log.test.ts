import { expect, test } from 'bun:test'
import { keepLines } from '../test/log-lines.ts'
import { databaseLog } from './database-log.ts'

test('writes each kind of event at once, then every 10 s with the number left out', () => {
  const log = keepLines()
  let now = 0
  const record = databaseLog(log.logger, () => now)
  const event = (type: 'connect-failed' | 'saturated', code: string | null) =>
    record({ type, code, at: '2026-01-01T00:00:00.000Z' })

  for (; now < 10_000; now += 1000) event('connect-failed', 'ECONNREFUSED')
  event('saturated', null)
  event('connect-failed', 'ECONNREFUSED')

  expect(log.lines().map(({ msg, skipped }) => [msg, skipped])).toEqual([
    ['database: connect-failed (ECONNREFUSED)', 0],
    ['database: saturated', 0],
    ['database: connect-failed (ECONNREFUSED)', 9],
  ])
})
