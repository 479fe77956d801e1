import { runBenchmark } from './kit/index.ts'
import { runBench } from './run-bench.ts'
import { scenarioIds } from './scenarios/index.ts'
import { saveSpeedTable } from './speed-table.ts'

// A peer that leaves a timer or a socket behind must not keep the program running.
if (import.meta.main) {
  const exitCode = await runBenchmark({
    name: 'bench',
    scenarioIds,
    readme: `${import.meta.dir}/README.md`,
    onSaved: saveSpeedTable,
    args: process.argv.slice(2),
    run: runBench,
  })
  process.exit(exitCode)
}
