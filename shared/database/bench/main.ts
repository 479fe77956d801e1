import { parseArgs } from 'node:util'
import { createProgress, renderReport, saveReport } from './kit/index.ts'
import { runBench } from './run-bench.ts'
import { type ScenarioId, scenarioIds } from './scenarios/index.ts'

const usage = `Usage: bench [--json] [--only <scenario>]… [--quick | --full] [--save]
Scenarios: ${scenarioIds.join(', ')}`

/** Runs the program and returns its exit code: 0, 2 for bad arguments, 130 when it was stopped. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  const stopping = new AbortController()
  const stop = () => stopping.abort(new Error('stopped'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  const progress = createProgress()
  try {
    const report = await runBench({ ...options, signal: stopping.signal, onProgress: progress.show })
    progress.end()
    console.log(options.json ? JSON.stringify(report, null, 2) : renderReport(report))
    if (options.save)
      await saveReport(`${import.meta.dir}/README.md`, report, `\`bun run bench ${args.join(' ')}\``)
    return 0
  } catch (error) {
    progress.end()
    if (!stopping.signal.aborted) throw error
    console.error('Stopped.')
    return 130
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, stop)
  }
}

function readArguments(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    })
    const { json, save, quick, full } = values
    const unknown = values.only.find((id) => !(scenarioIds as string[]).includes(id))
    if (unknown !== undefined) return `There is no scenario "${unknown}".\n${usage}`
    if (quick && full) return `--quick or --full, not both.\n${usage}`
    const only = values.only.length > 0 ? (values.only as ScenarioId[]) : scenarioIds
    return { json, save, only, size: quick ? 'quick' : full ? 'full' : 'normal' } as const
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`
  }
}

// A peer that leaves a timer or a socket behind must not keep the program running.
if (import.meta.main) process.exit(await main(process.argv.slice(2)))
