import { expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { StrandWatch } from './strand-watch.ts'

test('what is stranded is counted while it runs, and once more when it stops', async () => {
  const found: number[] = []
  const stranded = [2, 0, 3]
  const watch = new StrandWatch({
    checks: [() => stranded.shift() ?? 0, () => 1],
    onStranded: (count) => found.push(count),
  })
  watch.start()
  await eventually(() => found.length === 2)
  watch.stop()
  expect(found).toEqual([3, 1, 4])
})

test('nothing counts as stranded because the event loop was blocked', async () => {
  let checks = 0
  const watch = new StrandWatch({ checks: [() => ++checks * 0], onStranded: () => {} })
  watch.start()
  const until = performance.now() + 2_100
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(checks).toBe(0)
  await eventually(() => checks > 0)
  watch.stop()
})
