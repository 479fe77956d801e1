import { parseArgs } from 'node:util'
import { renderJson, renderTables } from './report.ts'
import { runFaults } from './run-faults.ts'
import { type ScenarioId, scenarioIds } from './scenarios.ts'

const usage = `Usage: faults [--json] [--only <scenario>]…
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
  try {
    const report = await runFaults({ only: options.only, signal: stopping.signal, onProgress: showProgress })
    endProgress()
    console.log(options.json ? renderJson(report) : renderTables(report))
    return 0
  } catch (error) {
    endProgress()
    if (!stopping.signal.aborted) throw error
    console.error('Stopped.')
    return 130
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, stop)
  }
}

function readArguments(args: readonly string[]): { json: boolean; only: readonly ScenarioId[] } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    })
    const unknown = values.only.find((id) => !(scenarioIds as string[]).includes(id))
    if (unknown !== undefined) return `There is no scenario "${unknown}".\n${usage}`
    return { json: values.json, only: values.only.length > 0 ? (values.only as ScenarioId[]) : scenarioIds }
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`
  }
}

const live = process.stderr.isTTY === true

function showProgress(line: string): void {
  process.stderr.write(live ? `\r\u001b[K${line}` : `${line}\n`)
}

function endProgress(): void {
  if (live) process.stderr.write('\r\u001b[K')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
