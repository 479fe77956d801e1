import { atMost, rotate, statOf } from '../kit/index.ts'
import type { MemoryResult, MemoryTask } from '../memory/child.ts'
import { type PeerId, peers, stockPeers } from '../peers.ts'
import { countCallers, poolSize } from './compare-loads.ts'
import type { Context, Scenario } from './scenario.ts'

const compared = ['ours', ...(Object.keys(stockPeers) as PeerId[])] as const
const child = `${import.meta.dir}/../memory/child.ts`
const megabyte = 2 ** 20
const longVariant = '10⁶ queries'

/** Pool size and callers, one of them at its usual value. */
const shapes = {
  quick: [
    [10, 1],
    [10, 1_000],
  ],
  normal: [
    [1, 100],
    [10, 100],
    [100, 100],
    [10, 1],
    [10, 1_000],
    [10, 10_000],
  ],
} as const

/** What a process takes by pool size and callers, each in a process of its own; and that it stays there. */
export const memory: Scenario = {
  title: 'memory',
  metrics: [
    { id: 'rssMb', title: 'RSS MB', better: 'lower' },
    { id: 'rssPeakMb', title: 'highest', better: 'lower' },
    { id: 'rssGrowthMb', title: 'growth', better: null },
    { id: 'heapMb', title: 'heap MB', better: 'lower' },
    { id: 'heapGrowthMb', title: 'growth', better: null },
    { id: 'lateGrowthKb', title: 'after the first 2 × 10⁵, KB', better: null },
  ],
  async run(context) {
    const { url } = await context.world()
    const { size } = context
    const rounds = size.name === 'quick' ? 1 : 2
    for (const [max, callers] of shapes[size.name === 'quick' ? 'quick' : 'normal']) {
      const variant = `pool of ${max}, ${countCallers(callers)}`
      const queries = Math.max(5_000, callers * 2)
      for (let round = 0; round < rounds; round++)
        for (const peer of rotate(compared, round))
          await measure(context, variant, { peer, url, max, callers, queries, parts: 1 })
    }
    if (size.name === 'full')
      await measure(context, longVariant, {
        peer: 'ours',
        url,
        max: poolSize,
        callers: 64,
        queries: 1_000_000,
        parts: 10,
      })
  },
  bars: (results) => {
    const where = { scenario: 'memory', variant: longVariant, peer: 'ours', metric: 'lateGrowthKb' }
    const growth = statOf(results, where)?.median ?? null
    return [
      atMost(512, growth, 'the heap grows by at most 512 KB over the last 8 × 10⁵ of 10⁶ queries', ' KB'),
    ]
  },
}

async function measure({ step, collector }: Context, variant: string, task: MemoryTask): Promise<void> {
  step(`memory: ${variant}, ${peers[task.peer].title}`)
  const process = Bun.spawn([globalThis.process.execPath, child, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, exitCode] = await Promise.all([process.stdout.text(), process.exited])
  if (exitCode !== 0) throw new Error(`The process of ${peers[task.peer].title} ended with ${exitCode}.`)
  const result: MemoryResult = JSON.parse(output)
  const [, settled = result.heap] = result.heapEach
  collector.add('memory', variant, task.peer, {
    rssMb: result.rss / megabyte,
    ...(result.rssPeak !== null && { rssPeakMb: result.rssPeak / megabyte }),
    rssGrowthMb: (result.rss - result.rssBefore) / megabyte,
    heapMb: result.heap / megabyte,
    heapGrowthMb: (result.heap - result.heapBefore) / megabyte,
    ...(task.parts > 1 && { lateGrowthKb: (result.heap - settled) / 1_024 }),
  })
}
