import { expect, test } from 'bun:test'
import { formatTime, localTimes } from '../src/browser/format.ts'

test('times in the texts of services are shown as times of day, as everywhere on the page', () => {
  const at = '2026-01-01T09:57:57.978Z'
  expect(localTimes(`not since ${at} (10.8 s), but before ${at}: 2026-01-01`)).toBe(
    `not since ${formatTime(at)} (10.8 s), but before ${formatTime(at)}: 2026-01-01`,
  )
})
