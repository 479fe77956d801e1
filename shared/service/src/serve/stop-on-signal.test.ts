import { expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { forceAfter } from './stop-on-signal.ts'

test('a process that was held up for longer than a stop may take has its turns before it is ended by force', async () => {
  const startedAt = performance.now()
  const forced = Promise.withResolvers<number>()
  let isForced = false
  forceAfter(300, () => {
    isForced = true
    forced.resolve(performance.now() - startedAt)
  })
  Bun.sleepSync(500)
  // What is due by now is done before this.
  await sleep(1)
  expect(isForced).toBe(false)
  // 24 turns at least are to come, each of which may be late and none early.
  expect(await forced.promise).toBeGreaterThan(500 + 100)
})

test('a stop is ended by force when its time has passed, not before', async () => {
  const startedAt = performance.now()
  const endedAfterMs = await new Promise<number>((resolve) =>
    forceAfter(600, () => resolve(performance.now() - startedAt)),
  )
  expect(endedAfterMs).toBeGreaterThanOrEqual(600)
})
