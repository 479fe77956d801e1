import { atMost, rotate, statOf } from '../kit/index.ts'
import { heapBytes } from '../pools/heap.ts'
import type { PoolUnderTest } from '../pools/pool-under-test.ts'
import { type PoolId, poolIds, pools } from '../pools/pools.ts'
import type { Context, Scenario } from './scenario.ts'

const counts = { quick: 10_000, normal: 100_000, full: 100_000 }
const held = 10
const shortMs = 500
const longMs = 60_000

const compared = poolIds.filter((id) => id === 'ours' || !id.startsWith('ours'))

/** Callers with deadlines in the queue behind connections that are all held. */
export const waiters: Scenario = {
  title: 'line',
  metrics: [
    { id: 'joinMs', title: 'join ms', better: 'lower' },
    { id: 'bytes', title: 'heap bytes each', better: 'lower' },
    { id: 'serveMs', title: 'serve all ms', better: 'lower' },
    { id: 'expireMs', title: 'expire all, ms late', better: 'lower' },
    { id: 'leftKb', title: 'heap left KB', better: null },
  ],
  async run(context) {
    const count = counts[context.size.name]
    for (let round = 0; round < Math.min(context.size.rounds, 3); round++)
      for (const id of rotate(compared, round)) await wait(context, id, count, round)
  },
  bars: (results) => {
    const [first] = results.filter(({ scenario }) => scenario === 'waiters')
    const stat = first && statOf(results, { ...first, peer: 'ours', metric: 'expireMs' })
    return [atMost(1_000, stat?.median ?? null, 'the whole line expires within 1 s of its deadline', ' ms')]
  },
}

async function wait({ collector, step }: Context, id: PoolId, count: number, round: number): Promise<void> {
  const { title, open } = pools[id]
  step(`waiters: round ${round + 1}, ${count} served by ${title}`)
  const heapBefore = await heapBytes()
  const patient = await open({ size: held, timeoutMs: longMs, waiting: count })
  const release = await holdAll(patient)
  const line = join(patient, count)
  const heap = await heapBytes()
  const servedAt = performance.now()
  release()
  const { served } = await line.ended
  const serveMs = performance.now() - servedAt
  await patient.close()
  if (served !== count) throw new Error(`${title} served ${served} of ${count} waiters.`)

  step(`waiters: round ${round + 1}, ${count} expire in ${title}`)
  const impatient = await open({ size: held, timeoutMs: shortMs, waiting: count })
  const releaseLater = await holdAll(impatient)
  const doomed = join(impatient, count)
  // The last one's deadline, when the join took less than the timeout: else some had theirs before.
  const dueAt = performance.now() + shortMs
  const { failed } = await doomed.ended
  const expireMs = Math.max(0, performance.now() - dueAt)
  releaseLater()
  await impatient.close()
  if (failed !== count) throw new Error(`${title} let ${failed} of ${count} waiters expire.`)
  collector.add('waiters', `${count} waiters`, id, {
    joinMs: line.joinMs,
    bytes: (heap - heapBefore) / count,
    serveMs,
    expireMs,
    leftKb: ((await heapBytes()) - heapBefore) / 1_024,
  })
}

async function holdAll(pool: PoolUnderTest): Promise<() => void> {
  const gives = await Promise.all(Array.from({ length: held }, () => pool.take()))
  return () => {
    for (const give of gives) void give()
  }
}

/** Puts callers in the queue; each that is served gives back at once. */
function join(pool: PoolUnderTest, count: number) {
  const { promise, resolve } = Promise.withResolvers<{ served: number; failed: number }>()
  const ends = { served: 0, failed: 0 }
  const end = (how: keyof typeof ends): void => {
    ends[how]++
    if (ends.served + ends.failed === count) resolve(ends)
  }
  const startedAt = performance.now()
  for (let n = 0; n < count; n++) {
    pool.take().then(
      (give) => {
        void give()
        end('served')
      },
      () => end('failed'),
    )
  }
  return { joinMs: performance.now() - startedAt, ended: promise }
}
