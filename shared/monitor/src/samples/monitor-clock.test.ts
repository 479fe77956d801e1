import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { createMonitorClock } from './monitor-clock.ts'

afterEach(() => void setSystemTime())

const hour = 3_600_000

test('the clock follows the wall clock forwards', () => {
  const now = createMonitorClock()
  setSystemTime(Date.now() + hour)
  const before = Date.now()
  const time = now()
  expect({ isBehind: time < before, isAhead: time > Date.now() }).toEqual({ isBehind: false, isAhead: false })
})

test('and runs on evenly where that is put back', async () => {
  const now = createMonitorClock()
  const before = now()
  setSystemTime(Date.now() - hour)
  const times = [before]
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    times.push(now())
  }
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(new Set(times).size).toBe(times.length)
  expect((times.at(-1) ?? 0) - before).toBeLessThan(hour)
})
