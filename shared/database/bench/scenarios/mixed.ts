import { compareTo } from '../kit/index.ts'
import { peerIds } from '../peers.ts'
import { compareLoads, countCallers } from './compare-loads.ts'
import { loadMetrics, type Scenario } from './scenario.ts'

const callers = [10, 64]
const slowEvery = 10
const slowMs = 50

/** Selects of which one in ten sleeps on the server; the times are those of the others. */
export const mixed: Scenario = {
  title: `10 % sleep ${slowMs} ms`,
  metrics: loadMetrics,
  async run(context) {
    const { url } = await context.world()
    await compareLoads(context, {
      scenario: 'mixed',
      url,
      peers: peerIds,
      callers,
      call: (queries) => (n) =>
        n % slowEvery === 0 ? queries.sleep(slowMs).then(() => false) : queries.select(n),
    })
  },
  bars: (results) =>
    callers.map((count) =>
      compareTo(results, 'drizzle-node-postgres', {
        scenario: 'mixed',
        variant: countCallers(count),
        metric: 'p99Ms',
        text: `10 % slow, ${countCallers(count)}: p99 of the fast at most 1.2 × that of drizzle on pg.Pool`,
        atMost: 1.2,
      }),
    ),
}
