import { parseArgs } from 'node:util'
import { createProgress, saveBlock } from '../kit/index.ts'
import * as clusterReport from './cluster/report.ts'
import { runClusterFaults } from './cluster/run-faults.ts'
import * as clusterScenarios from './cluster/scenarios.ts'
import * as report from './report.ts'
import { runFaults } from './run-faults.ts'
import { scenarioIds } from './scenarios.ts'

/** What is measured: a server, or a cluster. */
interface Subject {
  readonly scenarioIds: readonly string[]
  /** The file whose block `report` is written by `--save`. */
  readonly readme: string
  measure(options: {
    only: readonly string[]
    signal: AbortSignal
    onProgress: (line: string) => void
  }): Promise<{ text(): string; json(): string }>
}

const serverSubject: Subject = {
  scenarioIds,
  readme: `${import.meta.dir}/README.md`,
  async measure({ only, ...options }) {
    const measured = await runFaults({ only: scenarioIds.filter((id) => only.includes(id)), ...options })
    return { text: () => report.renderTables(measured), json: () => report.renderJson(measured) }
  },
}

const clusterSubject: Subject = {
  scenarioIds: clusterScenarios.scenarioIds,
  readme: `${import.meta.dir}/cluster/README.md`,
  async measure({ only, ...options }) {
    const ids = clusterScenarios.scenarioIds.filter((id) => only.includes(id))
    const measured = await runClusterFaults({ only: ids, ...options })
    return {
      text: () => clusterReport.renderTables(measured),
      json: () => clusterReport.renderJson(measured),
    }
  },
}

/** Runs the program and returns its exit code: 0, 2 for bad arguments, 130 when it was stopped. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  const { subject, only, json, save } = options
  const progress = createProgress()
  const stopping = new AbortController()
  const stop = () => stopping.abort(new Error('stopped'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  try {
    const measured = await subject.measure({ only, signal: stopping.signal, onProgress: progress.show })
    progress.end()
    console.log(json ? measured.json() : measured.text())
    if (save) await saveBlock(subject.readme, 'report', `\`\`\`\n${measured.text()}\n\`\`\``)
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

function readArguments(
  args: readonly string[],
): { subject: Subject; json: boolean; save: boolean; only: readonly string[] } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        cluster: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    })
    const { cluster, json, save, only } = values
    const subject = cluster ? clusterSubject : serverSubject
    const usage = `Usage: faults [--cluster] [--json] [--save] [--only <scenario>]…
Scenarios${cluster ? ' of --cluster' : ''}: ${subject.scenarioIds.join(', ')}`
    const unknown = only.find((id) => !subject.scenarioIds.includes(id))
    if (unknown !== undefined) return `There is no scenario "${unknown}".\n${usage}`
    if (save && only.length > 0) return `--save needs every scenario: leave --only out.\n${usage}`
    return { subject, json, save, only: only.length > 0 ? only : subject.scenarioIds }
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\nUsage: faults [--cluster] [--json] [--save] [--only <scenario>]…`
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
