import { expect, test } from 'bun:test'
import { keepLines } from '../../test/log-lines.ts'
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

test('writes what went wrong as a warning, mistakes of the program as errors, good news as information', () => {
  const log = keepLines()
  const record = databaseLog(log.logger)
  const at = '2026-01-01T00:00:00.000Z'
  record({ type: 'checkout-timeout', code: 'CHECKOUT_TIMEOUT', at, detail: '30 of 30 in use, 12 waiting' })
  record({ type: 'lease-leaked', code: null, at, detail: 'since carts.ts:12' })
  record({ type: 'lease-returned', code: null, at })
  record({ type: 'plans-held', code: null, at, detail: 'migrating' })
  expect(log.lines().map(({ level, event, code, detail }) => ({ level, event, code, detail }))).toEqual([
    {
      level: 'warn',
      event: 'checkout-timeout',
      code: 'CHECKOUT_TIMEOUT',
      detail: '30 of 30 in use, 12 waiting',
    },
    { level: 'error', event: 'lease-leaked', code: null, detail: 'since carts.ts:12' },
    { level: 'info', event: 'lease-returned', code: null, detail: undefined },
    { level: 'info', event: 'plans-held', code: null, detail: 'migrating' },
  ])
})
