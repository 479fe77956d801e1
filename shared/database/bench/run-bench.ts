import { Collector, describeMachine, type Report, type RunOptions } from './kit/index.ts'
import { peers } from './peers.ts'
import { pools } from './pools/pools.ts'
import { poolSize } from './scenarios/compare-loads.ts'
import { type ScenarioId, scenarios } from './scenarios/index.ts'
import { type Context, type Scenario, sizes } from './scenarios/scenario.ts'
import { createWorld, type World } from './world.ts'

/** Runs scenarios one after the other; the server is stopped however it ends. @throws the signal's reason when it fires. */
export async function runBench(options: RunOptions<ScenarioId>): Promise<Report> {
  const size = sizes[options.size]
  const machine = await describeMachine()
  await using stack = new AsyncDisposableStack()
  let world: World | null = null
  const collector = new Collector()
  const context: Context = {
    size,
    collector,
    async world() {
      if (world) return world
      context.step('starting a server')
      world = stack.use(await createWorld())
      return world
    },
    step(line) {
      options.signal.throwIfAborted()
      options.onProgress(line)
    },
  }
  for (const id of options.only) await scenarios[id].run(context)
  const results = collector.results()
  const chosen = options.only.map((id): [ScenarioId, Scenario] => [id, scenarios[id]])
  return {
    machine: { ...machine, postgres: (world as World | null)?.version ?? 'not used' },
    settings: { size: size.name, rounds: size.rounds, roundMs: size.roundMs, poolSize },
    titles: Object.fromEntries(Object.entries({ ...peers, ...pools }).map(([id, { title }]) => [id, title])),
    sections: chosen.map(([id, { title, metrics }]) => ({
      id,
      title,
      metrics,
      results: results.filter(({ scenario }) => scenario === id),
    })),
    bars: chosen.flatMap(([, { bars }]) => bars(results)),
  }
}
