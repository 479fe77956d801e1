import { expect, test } from 'bun:test'
import { keepLines } from '../../test/log-lines.ts'
import { telemetryLog } from './telemetry-log.ts'

test('failures are written at once, then once a minute with the number skipped, by their code alone', () => {
  const log = keepLines()
  let now = 0
  const sdk = telemetryLog(log.logger, () => now)
  sdk.error('{"message":"canary","code":"ECONNREFUSED","data":"canary"}')
  sdk.error('canary')
  sdk.warn('canary')
  sdk.info('canary')
  now = 60_000
  sdk.warn('Header "key" has invalid value (canary) and will be ignored')
  expect(log.lines().map(({ level, code, skipped }) => ({ level, code, skipped }))).toEqual([
    { level: 'warn', code: 'ECONNREFUSED', skipped: 0 },
    { level: 'warn', code: null, skipped: 2 },
  ])
  expect(log.text()).not.toContain('canary')
})
