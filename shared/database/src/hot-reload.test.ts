import { afterAll, expect, spyOn, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { type Replaceable, replaceOnReload } from './hot-reload.ts'

const pace = { lookMs: 1, quietMs: 30 }

// For how long nobody has used it is the test's to say: the looks come as they do.
let now = 1_000
const clock = spyOn(performance, 'now').mockImplementation(() => now)
afterAll(() => clock.mockRestore())

/** A database that notes what is done to it. */
function fake() {
  const pool = { checkedOut: 0, waiting: 0, idle: 0, counters: { checkouts: 0 } }
  const seen = { pool, looks: 0, invalidations: 0, closedAt: 0 }
  const made = {
    database: {
      status() {
        seen.looks++
        return pool
      },
      replicas: () => [],
      invalidate() {
        seen.invalidations++
        pool.idle = 0
      },
      async close() {
        seen.closedAt = performance.now()
      },
    },
    side: {
      giveBack: () => {},
      get isClosed() {
        return seen.closedAt > 0
      },
    },
    listening: { endAll: () => {} },
  }
  return { seen, made: made as unknown as Replaceable }
}
const meta = (url = crypto.randomUUID()) => ({ url })

/** Waits until it has been looked at, from now on. */
async function looked({ seen }: ReturnType<typeof fake>): Promise<void> {
  const before = seen.looks
  await eventually(() => seen.looks > before)
}

test('databases of one run of a module, and those of other modules, leave each other alone', async () => {
  const [own, twin, other] = [fake(), fake(), fake()]
  const once = meta()
  replaceOnReload(once, own.made, pace)
  replaceOnReload(once, twin.made, pace)
  replaceOnReload(meta(), other.made, pace)
  // Longer than a retired one lives.
  const retired = fake()
  const again = meta()
  replaceOnReload(again, retired.made, pace)
  replaceOnReload(meta(again.url), fake().made, pace)
  now += pace.quietMs
  await eventually(() => retired.seen.closedAt > 0)
  const untouched = { invalidations: 0, closedAt: 0 }
  expect([own.seen, twin.seen, other.seen]).toMatchObject([untouched, untouched, untouched])
})

test('a retired one gives back at once what nobody uses, and is closed when nobody has used it for a while', async () => {
  const before = fake()
  const module = meta()
  before.seen.pool.idle = 3
  before.seen.pool.checkedOut = 1
  replaceOnReload(module, before.made, pace)
  replaceOnReload(meta(module.url), fake().made, pace)
  expect(before.seen).toMatchObject({ invalidations: 1, closedAt: 0, pool: { idle: 0 } })

  // A request that was under way comes back, and asks once more.
  before.seen.pool.checkedOut = 0
  before.seen.pool.idle = 1
  await eventually(() => before.seen.pool.idle === 0)
  now += pace.quietMs - 1
  before.seen.pool.counters.checkouts++
  await looked(before)
  now += pace.quietMs - 1
  await looked(before)
  expect(before.seen.closedAt).toBe(0)
  now += 1
  await eventually(() => before.seen.closedAt > 0)
})

test('a retired one that is in use is not closed, however long that takes', async () => {
  const [used, unused] = [fake(), fake()]
  const module = meta()
  used.seen.pool.waiting = 1
  for (const { made } of [used, unused]) replaceOnReload(module, made, pace)
  replaceOnReload(meta(module.url), fake().made, pace)
  now += 1_000 * pace.quietMs
  await eventually(() => unused.seen.closedAt > 0)
  await looked(used)
  expect(used.seen.closedAt).toBe(0)
  used.seen.pool.waiting = 0
  now += pace.quietMs
  await eventually(() => used.seen.closedAt > 0)
})
