import { rotate } from '../kit/index.ts'
import { type PeerId, peerIds, peers } from '../peers.ts'
import { poolSize } from './compare-loads.ts'
import type { Context, Scenario } from './scenario.ts'

const sleepMs = 50

/** From opening the pool to the first answer, and to the last of ten statements that need all connections at once. */
export const cold: Scenario = {
  title: 'cold start',
  metrics: [
    { id: 'firstMs', title: 'first answer ms', better: 'lower' },
    { id: 'warmMs', title: `${poolSize} at once ms`, better: 'lower' },
    { id: 'connections', title: 'connections', better: null },
  ],
  async run(context) {
    const { url } = await context.world()
    for (let round = -1; round < context.size.rounds; round++)
      for (const id of rotate(peerIds, round + 1)) await start(context, url, id, round)
  },
  bars: () => [],
}

/** Round -1 loads the code. The ten calls sleep, so that none can answer for two; the sleep is taken off. */
async function start({ step, collector }: Context, url: string, id: PeerId, round: number): Promise<void> {
  step(`cold: round ${round + 1}, ${peers[id].title}`)
  const startedAt = performance.now()
  const queries = await peers[id].open(url, { max: poolSize })
  try {
    await queries.select(0)
    const firstMs = performance.now() - startedAt
    const pids = await Promise.all(Array.from({ length: poolSize }, () => queries.sleep(sleepMs)))
    const warmMs = performance.now() - startedAt - sleepMs
    if (round >= 0)
      collector.add('cold', `${poolSize} connections`, id, {
        firstMs,
        warmMs,
        connections: new Set(pids).size,
      })
  } finally {
    await queries.close()
  }
}
