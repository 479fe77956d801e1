import { atMost, compareTo, rotate, statOf } from '../kit/index.ts'
import { heapBytes } from '../pools/heap.ts'
import type { PoolUnderTest } from '../pools/pool-under-test.ts'
import { poolIds, pools } from '../pools/pools.ts'
import { createFreePool } from '../pools/queue-pool.ts'
import { countCallers } from './compare-loads.ts'
import type { Context, Scenario } from './scenario.ts'

const settings = { size: 10, timeoutMs: 30_000, waiting: 10_000 }
const callers = [1, 32, 1_000]
const oneMillion = 1_000_000
const syncVariant = 'tryShare + unshare'
/** Our lines in the table, and how bars name them. */
const ways = { ours: '', 'ours-unwatched': ' without leak watch', 'ours-shared': ' for a statement' }
const flatVariant = '10⁶ cycles'

/** Checkout and checkin of connections that cost nothing: the pool's own time. */
export const checkout: Scenario = {
  title: 'checkout + checkin',
  metrics: [
    { id: 'perSecond', title: '/s', better: 'higher' },
    { id: 'ns', title: 'ns', better: null },
    { id: 'cpuNs', title: 'cpu ns', better: 'lower' },
    { id: 'firstNs', title: 'ns of the first 1000', better: null },
    { id: 'earlyNs', title: 'ns of the 2nd 10⁵', better: null },
    { id: 'lateNs', title: 'ns of the last 10⁵', better: null },
    { id: 'heapKb', title: 'heap growth KB', better: null },
  ],
  async run(context) {
    await measureSync(context)
    await compareCycles(context)
    await measureMillion(context)
  },
  bars: (results) => {
    const ours = (variant: string, metric: string) =>
      statOf(results, { scenario: 'checkout', variant, peer: 'ours', metric })?.median ?? null
    const [early, late] = [ours(flatVariant, 'earlyNs'), ours(flatVariant, 'lateNs')]
    const slower = early !== null && late !== null ? late / early : null
    return [
      ...callers.flatMap((count) =>
        Object.entries(ways).map(([us, way]) =>
          compareTo(results, 'pg-pool', {
            us,
            scenario: 'checkout',
            variant: countCallers(count),
            metric: 'perSecond',
            text: `checkout + checkin${way}, ${countCallers(count)}: at least 4 × pg.Pool`,
            atLeast: 4,
          }),
        ),
      ),
      atMost(100, ours(syncVariant, 'ns'), 'the synchronous path: at most 100 ns', ' ns'),
      atMost(1.1, slower, 'the last of 10⁶ cycles take at most 1.1 × the time of the first', ' ×'),
    ]
  },
}

/** Time of each of `count` cycles by that many callers, by the clock and of the processor, in ns. */
async function timeCycles(
  pool: PoolUnderTest,
  count: number,
  callers: number,
): Promise<{ ns: number; cpuNs: number }> {
  let left = count
  const caller = async (): Promise<void> => {
    while (left-- > 0) await pool.cycle()
  }
  const cpu = process.cpuUsage()
  const startedAt = Bun.nanoseconds()
  await Promise.all(Array.from({ length: callers }, caller))
  const ns = (Bun.nanoseconds() - startedAt) / count
  const { user, system } = process.cpuUsage(cpu)
  return { ns, cpuNs: ((user + system) * 1_000) / count }
}

async function compareCycles({ size, collector, step }: Context): Promise<void> {
  const cycles = size.roundMs * 200
  for (const count of callers) {
    const variant = countCallers(count)
    for (let round = -1; round < size.rounds; round++) {
      for (const id of rotate(poolIds, round + 1)) {
        step(`checkout, ${variant}: round ${round + 1} of ${size.rounds}, ${pools[id].title}`)
        Bun.gc(true)
        const pool = await pools[id].open(settings)
        await timeCycles(pool, cycles / 10, count)
        const { ns, cpuNs } = await timeCycles(pool, cycles, count)
        await pool.close()
        // Round -1 warms the code.
        if (round >= 0) collector.add('checkout', variant, id, { perSecond: 1e9 / ns, ns, cpuNs })
      }
    }
  }
}

async function measureSync({ size, collector, step }: Context): Promise<void> {
  const pairs = size.roundMs * 1_000
  const pool = createFreePool(settings)
  await (await pool.checkout()).checkin()
  for (let round = -1; round < size.rounds; round++) {
    step(`checkout, ${syncVariant}: round ${round + 1} of ${size.rounds}`)
    const startedAt = Bun.nanoseconds()
    for (let n = 0; n < pairs; n++) {
      const since = performance.now()
      const lease = pool.tryShare(since) ?? (await pool.share())
      lease.end()
    }
    const ns = (Bun.nanoseconds() - startedAt) / pairs
    if (round >= 0) collector.add('checkout', syncVariant, 'ours', { perSecond: 1e9 / ns, ns })
  }
  await pool.close()
}

/** A new pool's first million cycles; in the first hundred thousand the code gets warm too. */
async function measureMillion({ size, collector, step }: Context): Promise<void> {
  const parts = 10
  for (let round = 0; round < Math.min(size.rounds, 3); round++) {
    const pool = await pools.ours.open(settings)
    const { ns: firstNs } = await timeCycles(pool, 1_000, 1)
    const times: number[] = []
    let heapBefore = 0
    for (let part = 0; part < parts; part++) {
      step(`checkout, ${flatVariant}: round ${round + 1}, part ${part + 1} of ${parts}`)
      if (part === 1) heapBefore = await heapBytes()
      times.push((await timeCycles(pool, oneMillion / parts, 1)).ns)
    }
    const heapKb = ((await heapBytes()) - heapBefore) / 1_024
    await pool.close()
    const [, earlyNs = Number.NaN] = times
    collector.add('checkout', flatVariant, 'ours', {
      firstNs,
      earlyNs,
      lateNs: times.at(-1) ?? Number.NaN,
      heapKb,
    })
  }
}
