import { expect, test } from 'bun:test'
import { createFaultLoad, measureHeap } from './fault-load.ts'

const watched = ['Promise', 'Object', 'Function', 'Array', 'AbortSignal', 'AbortController', 'Error']

test('fifty thousand checkouts full of faults leave no object, timer or connection behind', async () => {
  using load = createFaultLoad(1)
  await load.run(10_000)
  const before = await measureHeap()
  for (let round = 0; round < 4; round++) await load.run(10_000)
  const after = await measureHeap()
  const grown = watched.filter((type) => (after.objects[type] ?? 0) - (before.objects[type] ?? 0) > 400)
  expect(grown).toEqual([])
  expect(Object.keys(load.ends).sort()).toEqual([
    'CHECKOUT_ABORTED',
    'CHECKOUT_TIMEOUT',
    'CONNECT_FAILED',
    'served',
  ])
  await load.close()
  expect({ timers: load.timers, status: load.pool.status() }).toMatchObject({
    timers: 0,
    status: { total: 0, waiting: 0, checkedOut: 0, idle: 0, connecting: 0 },
  })
}, 60_000)
