import { afterEach, describe, expect, test } from 'bun:test'
import type { PoolOptions } from '../src/pool-options.ts'
import {
  connectTimeoutMs,
  createFakePool,
  deferred,
  type FakeConnection,
  settle,
  stateOf,
} from './fake-pool.ts'
import { createVirtualTime, type VirtualTime } from './virtual-time.ts'

let time: VirtualTime

afterEach(() => time[Symbol.dispose]())

const never = Number.POSITIVE_INFINITY
const refused = -1

/**
 * A pool in a time of its own. Its server answers each attempt to connect after the next of these times in ms, and all
 * that follow after the last; an attempt that is aborted or takes too long fails.
 */
function createPool(options: Partial<PoolOptions>, ...answersAfterMs: number[]) {
  const { pool, clock, control, connections, events } = createFakePool(options)
  time = createVirtualTime(clock)
  const origin = clock.now
  const begunAt: number[] = []
  const open = new Set<AbortSignal>()
  let mostOpen = 0
  control.connect = async (make, signal) => {
    const answerMs = answersAfterMs[begunAt.length] ?? answersAfterMs.at(-1) ?? 0
    begunAt.push(clock.now - origin)
    open.add(signal)
    mostOpen = Math.max(mostOpen, open.size)
    const outcome = deferred<FakeConnection>()
    const fail = () => {
      open.delete(signal)
      outcome.reject(new Error('no answer'))
    }
    signal.addEventListener('abort', fail)
    time.after(connectTimeoutMs, fail)
    if (answerMs === refused) time.after(1, fail)
    else if (answerMs < connectTimeoutMs)
      time.after(answerMs, () => open.delete(signal) && outcome.resolve(make()))
    return outcome.promise
  }
  const servedAt: number[] = []
  /** Has callers ask for a connection each, and give it back; `servedAt` says when they had it. */
  function ask(callers: number): void {
    for (let n = 0; n < callers; n++)
      pool.checkout({ timeoutMs: 60_000 }).then(
        (lease) => {
          servedAt.push(clock.now - origin)
          return lease.checkin()
        },
        () => {},
      )
  }
  return {
    pool,
    connections,
    events,
    ask,
    begunAt,
    servedAt,
    mostOpen: () => mostOpen,
    pass: (ms: number) => time.pass(ms, settle),
  }
}

describe('an attempt to connect that has been silent for a second', () => {
  test('does not stay the only one: another begins beside it, and the first that is answered serves', async () => {
    const { ask, pass, begunAt, servedAt, pool } = createPool({}, never, never, 5)
    ask(1)
    await pass(connectTimeoutMs)
    expect({ begunAt, servedAt }).toEqual({ begunAt: [0, 1_000, 2_000], servedAt: [2_005] })
    await pool.close({ timeoutMs: 1 })
  })

  test('lets others begin at the pace of the backoff, also where one at a time was tried before', async () => {
    const answers = [...Array<number>(10).fill(refused), never, never, never, 5]
    const { ask, pass, begunAt, servedAt, pool } = createPool({ poolSize: 10, maxOverflow: 0 }, ...answers)
    ask(20)
    await pass(1_200)
    expect(begunAt.slice(10, 14)).toEqual([6, 1_006, 1_026, 1_066])
    expect(servedAt).toEqual(Array(20).fill(1_071))
    await pool.close({ timeoutMs: 1 })
  })

  for (const [poolSize, lastServedMs] of [
    [1, 3_010],
    [2, 1_100],
    [3, 1_100],
    [10, 10],
  ] as const)
    test(`holds up nobody on a cold pool of ${poolSize}: the first three are silent, and all of twenty are served`, async () => {
      const { ask, pass, servedAt, pool } = createPool(
        { poolSize, maxOverflow: 0 },
        ...[never, never, never, 5],
      )
      ask(20)
      await pass(lastServedMs)
      expect(servedAt).toHaveLength(20)
      await pool.close({ timeoutMs: 1 })
    })

  test('is waited for all the same where the server is slow: after three that were given up one has its whole time', async () => {
    const { ask, pass, begunAt, servedAt, pool } = createPool({ poolSize: 1, maxOverflow: 0 }, 2_500)
    ask(3)
    await pass(10_000)
    expect({ begunAt, servedAt }).toEqual({
      begunAt: [0, 1_000, 2_000, 3_000],
      servedAt: [5_500, 5_500, 5_500],
    })
    expect(pool.status().counters).toMatchObject({ connects: 1, connectFailures: 3 })
    await pool.close({ timeoutMs: 1 })
  })

  test('stays as a spare where the server is slow and there is room', async () => {
    const { ask, pass, begunAt, servedAt, pool } = createPool({ poolSize: 5, maxOverflow: 0 }, 2_500)
    ask(1)
    await pass(5_000)
    expect({ begunAt, servedAt }).toEqual({ begunAt: [0, 1_000, 2_000], servedAt: [2_500] })
    expect(stateOf(pool)).toMatchObject({ total: 3, idle: 3 })
    await pool.close({ timeoutMs: 1 })
  })

  test('starts no storm: half a minute of silence sees about two attempts a second, never more at once than the pool may hold', async () => {
    const { ask, pass, begunAt, mostOpen, pool } = createPool({ poolSize: 10, maxOverflow: 5 }, never)
    ask(500)
    await pass(30_000)
    expect(mostOpen()).toBe(15)
    expect(begunAt.length).toBeGreaterThan(30)
    expect(begunAt.length).toBeLessThan(100)
    await pool.close({ timeoutMs: 1 })
    expect(time.active).toBe(0)
  })

  test('counts as a failed connect when it is given up, and leaves nothing', async () => {
    const { ask, pass, events, connections, pool } = createPool({ poolSize: 1, maxOverflow: 0 }, never, 5)
    ask(1)
    await pass(1_100)
    expect(events).toContain('connect-failed')
    expect(connections).toHaveLength(1)
    expect(pool.status()).toMatchObject({ total: 1, counters: { connects: 1, connectFailures: 1 } })
    await pool.close()
    expect(time.active).toBe(0)
  })
})
