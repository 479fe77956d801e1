import { compareToBest } from '../kit/index.ts'
import { peerIds, stockPeers } from '../peers.ts'
import type { Queries } from '../queries.ts'
import { compareLoads, countCallers } from './compare-loads.ts'
import { loadMetrics, type Scenario } from './scenario.ts'

const callers = [1, 10, 64]

/** An insert that returns the row. */
export const insert = writing('insert', 'insert … returning', (queries) => queries.insert)

/** A transaction of a select and an insert. */
export const transaction = writing('transaction', 'transaction of two', (queries) => queries.transaction)

function writing(
  id: string,
  title: string,
  call: (queries: Queries) => ((n: number) => Promise<unknown>) | null,
): Scenario {
  return {
    title,
    metrics: loadMetrics,
    async run(context) {
      const { url } = await context.world()
      await compareLoads(context, { scenario: id, url, peers: peerIds, callers, call })
    },
    bars: (results) =>
      callers.map((count) =>
        compareToBest(results, stockPeers, {
          scenario: id,
          variant: countCallers(count),
          metric: 'perSecond',
          text: `${title}, ${countCallers(count)}: at least every stock Drizzle peer`,
          atLeast: 1,
        }),
      ),
  }
}
