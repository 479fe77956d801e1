import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, rotate, statOf } from '@shared/database/bench'
import type { Scenario } from './scenario.ts'

const variant = 'a fresh process'
const idleMs = 1_000
const started = { ours: 'product', empty: 'plain' } as const

/** From the start of a process to ready, and its memory after a second without requests. */
export const start: Scenario = {
  title: 'start',
  metrics: [
    { id: 'readyMs', title: 'ready ms', better: 'lower' },
    { id: 'rssMb', title: 'idle RSS MB', better: 'lower' },
  ],
  async run({ world, collector, rounds, step }) {
    for (let round = 0; round < rounds; round++) {
      for (const [id, server] of rotate(Object.entries(started), round)) {
        step(`start: round ${round + 1} of ${rounds}, ${server}`)
        await using fresh = await world.start(server)
        await sleep(idleMs)
        collector.add('start', variant, id, {
          readyMs: fresh.readyMs,
          rssMb: (await fresh.rss()) / 2 ** 20,
        })
      }
    }
  },
  bars: (results) => {
    const rss = statOf(results, { scenario: 'start', variant, peer: 'ours', metric: 'rssMb' })
    return [atMost(100, rss?.median ?? null, 'a service idles under 100 MB', ' MB')]
  },
}
