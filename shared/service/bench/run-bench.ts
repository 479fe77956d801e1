import { Collector, describeMachine, type Report, type RunOptions } from '@shared/database/bench'
import { connections, type ScenarioId, scenarios, titles } from './scenarios.ts'
import { createWorld } from './world.ts'

const sizes = {
  quick: { rounds: 2, roundMs: 500 },
  normal: { rounds: 5, roundMs: 3_000 },
  full: { rounds: 9, roundMs: 10_000 },
} as const

/** Runs scenarios one after the other; what it started is stopped however it ends. @throws the signal's reason when it fires. */
export async function runHttpBench(options: RunOptions<ScenarioId>): Promise<Report> {
  const { only, signal, onProgress } = options
  const size = sizes[options.size]
  const machine = await describeMachine()
  const step = (line: string): void => {
    signal.throwIfAborted()
    onProgress(line)
  }
  step('starting PostgreSQL and the servers')
  await using world = await createWorld()
  const collector = new Collector()
  for (const id of only) await scenarios[id].run({ world, collector, step, ...size })
  const results = collector.results()
  return {
    machine: { ...machine, postgres: world.version },
    settings: { size: options.size, ...size, connections },
    titles,
    sections: only.map((id) => ({
      id,
      title: scenarios[id].title,
      metrics: scenarios[id].metrics,
      results: results.filter(({ scenario }) => scenario === id),
    })),
    bars: only.flatMap((id) => scenarios[id].bars(results)),
  }
}
