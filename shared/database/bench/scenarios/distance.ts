import { type FaultProxy, startFaultProxy } from '@shared/postgres/testing'
import { atMost, runLoad, statOf } from '../kit/index.ts'
import { type PeerId, peerIds, peers } from '../peers.ts'
import { compareLoads } from './compare-loads.ts'
import { type Context, loadMetrics, type Scenario } from './scenario.ts'

const delaysMs = [1, 5]
const counted = 20
const countVariant = 'round trips of a warm call'

/** Selects from a server that is some way off, and how often each peer goes there. */
export const distance: Scenario = {
  title: 'distance',
  metrics: [
    { id: 'select', title: 'select', better: 'lower' },
    { id: 'transaction', title: 'transaction of two', better: 'lower' },
    ...loadMetrics,
  ],
  async run(context) {
    const { url, server } = await context.world()
    await using stack = new AsyncDisposableStack()
    const proxies = new Map<PeerId, FaultProxy>()
    for (const id of peerIds) proxies.set(id, stack.use(await startFaultProxy({ target: server })))
    const through = (id: PeerId): string => proxies.get(id)?.url(url) ?? url
    for (const [id, proxy] of proxies) await countRoundTrips(context, id, proxy, through(id))
    for (const delayMs of delaysMs) {
      for (const proxy of proxies.values()) await proxy.set({ delayMs })
      await compareLoads(context, {
        scenario: 'distance',
        suffix: `, ${delayMs} ms each way`,
        url: through,
        peers: peerIds,
        callers: [1, 64],
        call: (queries) => queries.select,
      })
    }
  },
  bars: (results) => {
    const count = (metric: string) =>
      statOf(results, { scenario: 'distance', variant: countVariant, peer: 'ours', metric })?.median ?? null
    return [
      atMost(1, count('select'), 'a warm statement: one round trip'),
      atMost(3, count('transaction'), 'a transaction of two statements: three round trips'),
    ]
  },
}

async function countRoundTrips(
  { step, collector }: Context,
  id: PeerId,
  proxy: FaultProxy,
  url: string,
): Promise<void> {
  step(`distance: counting round trips of ${peers[id].title}`)
  const queries = await peers[id].open(url, { max: 1 })
  const average = async (call: (n: number) => Promise<unknown>): Promise<number> => {
    await runLoad({ callers: 1, durationMs: 100, call })
    const before = proxy.roundTrips
    for (let n = 0; n < counted; n++) await call(n)
    return (proxy.roundTrips - before) / counted
  }
  try {
    const values: Record<string, number> = { select: await average(queries.select) }
    if (queries.transaction) values.transaction = await average(queries.transaction)
    collector.add('distance', countVariant, id, values)
  } finally {
    await queries.close()
  }
}
