import { runBenchmark } from '@shared/database/bench'
import { runHttpBench } from './run-bench.ts'
import { scenarioIds } from './scenarios.ts'

if (import.meta.main) {
  const exitCode = await runBenchmark({
    name: 'bench:http',
    scenarioIds,
    readme: `${import.meta.dir}/README.md`,
    args: process.argv.slice(2),
    run: runHttpBench,
  })
  process.exit(exitCode)
}
