import { parseArgs } from 'node:util'
import { createProgress } from './progress.ts'
import { type Report, renderReport } from './report.ts'
import { saveReport } from './save.ts'

/** What a benchmark is to do. */
export interface RunOptions<Id extends string> {
  readonly only: readonly Id[]
  /** `quick` shows that everything works, `full` adds what takes minutes. */
  readonly size: 'quick' | 'normal' | 'full'
  /** Fires when the program is to stop; `run` then rejects with its reason. */
  readonly signal: AbortSignal
  /** Told in a line what runs now. */
  readonly onProgress: (line: string) => void
}

const quickNote = ' A quick run: it shows that everything works, not how fast anything is.'

/** Runs a benchmark from its command line and returns its exit code: 0, 2 for bad arguments, 130 when it was stopped. */
export async function runBenchmark<Id extends string>(options: {
  name: string
  scenarioIds: readonly Id[]
  /** The file that `--save` puts the report into. */
  readme: string
  /** Called after the report was saved: writes what other documents show of it. */
  onSaved?: () => Promise<void>
  args: readonly string[]
  run: (options: RunOptions<Id>) => Promise<Report>
}): Promise<number> {
  const { args, readme, onSaved, run } = options
  const given = readArguments(options)
  if (typeof given === 'string') {
    console.error(given)
    return 2
  }
  const { json, save, only, size } = given
  const stopping = new AbortController()
  const stop = () => stopping.abort(new Error('stopped'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  const progress = createProgress()
  try {
    const report = await run({ only, size, signal: stopping.signal, onProgress: progress.show })
    progress.end()
    console.log(json ? JSON.stringify(report, null, 2) : renderReport(report))
    const command = ['bun run', options.name, ...args.filter((arg) => arg !== '--save')].join(' ')
    if (save) {
      await saveReport(readme, report, `Printed by \`${command}\`.${size === 'quick' ? quickNote : ''}`)
      await onSaved?.()
    }
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

function readArguments<Id extends string>(options: {
  name: string
  scenarioIds: readonly Id[]
  args: readonly string[]
}) {
  const { name, scenarioIds, args } = options
  const usage = `Usage: ${name} [--json] [--only <scenario>]… [--quick | --full] [--save]
Scenarios: ${scenarioIds.join(', ')}`
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
    const isKnown = (id: string): id is Id => (scenarioIds as readonly string[]).includes(id)
    const unknown = values.only.find((id) => !isKnown(id))
    if (unknown !== undefined) return `There is no scenario "${unknown}".\n${usage}`
    if (quick && full) return `--quick or --full, not both.\n${usage}`
    if (save && values.only.length > 0) return `--save needs every scenario: leave --only out.\n${usage}`
    const only = values.only.length > 0 ? values.only.filter(isKnown) : scenarioIds
    return { json, save, only, size: quick ? 'quick' : full ? 'full' : 'normal' } as const
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`
  }
}
