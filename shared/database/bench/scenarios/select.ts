import { compareTo } from '../kit/index.ts'
import { peerIds } from '../peers.ts'
import { compareLoads, countCallers } from './compare-loads.ts'
import { loadMetrics, type Scenario } from './scenario.ts'

/** A select by primary key, built by Drizzle at each call. */
export const select: Scenario = {
  title: 'select',
  metrics: loadMetrics,
  async run(context) {
    const { url } = await context.world()
    await compareLoads(context, {
      scenario: 'select',
      url,
      peers: peerIds,
      callers: [1, 10, 64, 500],
      call: (queries) => queries.select,
    })
  },
  bars: (results) => {
    const bar = (callers: number, peer: string, text: string, atLeast: number) =>
      compareTo(results, peer, {
        scenario: 'select',
        variant: countCallers(callers),
        metric: 'perSecond',
        text: `select, ${countCallers(callers)}: at least ${text}`,
        atLeast,
      })
    const stock = 'drizzle-postgres-js'
    return [
      ...[1, 10].map((callers) => bar(callers, stock, '1.8 × stock drizzle/postgres-js', 1.8)),
      ...[64, 500].map((callers) => bar(callers, stock, '3 × stock drizzle/postgres-js', 3)),
      ...[64, 500].map((callers) => bar(callers, 'drizzle-bun-sql', 'drizzle/bun-sql', 1)),
    ]
  },
}
