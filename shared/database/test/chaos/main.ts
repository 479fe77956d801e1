import { parseArgs } from 'node:util'
import { type Workload, workloads } from './plan.ts'
import { renderFailure, renderProgress, renderSummary } from './report.ts'
import { type ChaosReport, runChaos } from './run-chaos.ts'

const usage = `Usage: chaos [--seed <n>] [--minutes <n>] [--workload ${workloads.join('|')}] [--go-on]`

interface Arguments {
  /** The only seed, or null for one after the other from a random one. */
  readonly seed: number | null
  readonly minutes: number | null
  readonly workload: Workload | undefined
  readonly isToGoOn: boolean
}

/** Runs the program and returns its exit code: 0, 1 when a promise was broken, 2 for bad arguments, 130 when it was stopped. */
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
    const report = await run(options, stopping.signal)
    return report.failures.length === 0 ? 0 : 1
  } catch (error) {
    endProgress()
    if (!stopping.signal.aborted) throw error
    console.error('Stopped.')
    return 130
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, stop)
  }
}

async function run(options: Arguments, signal: AbortSignal): Promise<ChaosReport> {
  const { seed, minutes, workload, isToGoOn } = options
  const startedAt = performance.now()
  let shown = 0
  const showFailures = ({ failures }: ChaosReport) => {
    for (const failure of failures.slice(shown)) {
      endProgress()
      console.log(`${renderFailure(failure, workload)}\n`)
    }
    shown = failures.length
  }
  const report = await runChaos({
    seeds: seedsOf(seed, minutes),
    mostMs: (minutes ?? 2) * 60_000,
    workload,
    isToGoOn,
    signal,
    onProgress(soFar, plan) {
      showFailures(soFar)
      showProgress(renderProgress(soFar, plan, performance.now() - startedAt))
    },
  })
  endProgress()
  showFailures(report)
  for (const note of report.notes) console.log(note)
  console.log(renderSummary(report))
  return report
}

/** One seed once, or again and again for a time; without one, every seed from a random one on. */
function* seedsOf(seed: number | null, minutes: number | null): Generator<number> {
  if (seed !== null) {
    yield seed
    while (minutes !== null) yield seed
    return
  }
  for (let next = Math.floor(Math.random() * 1_000_000); ; next++) yield next
}

function readArguments(args: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string' },
        workload: { type: 'string' },
        'go-on': { type: 'boolean', default: false },
      },
    })
    const seed = values.seed === undefined ? null : Number(values.seed)
    const minutes = values.minutes === undefined ? null : Number(values.minutes)
    const workload = workloads.find((name) => name === values.workload)
    if (seed !== null && !Number.isSafeInteger(seed)) return `--seed must be a whole number.\n${usage}`
    if (minutes !== null && !(minutes > 0)) return `--minutes must be above 0.\n${usage}`
    if (values.workload !== undefined && !workload)
      return `There is no workload "${values.workload}".\n${usage}`
    return { seed, minutes, workload, isToGoOn: values['go-on'] }
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`
  }
}

const live = process.stderr.isTTY === true
const everyMs = 10_000
let shownAt = Number.NEGATIVE_INFINITY

/** One line that changes on a terminal, a line now and then elsewhere. */
function showProgress(line: string): void {
  if (live) process.stderr.write(`\r\u001b[K${line}`)
  else if (performance.now() - shownAt > everyMs) {
    shownAt = performance.now()
    process.stderr.write(`${line}\n`)
  }
}

function endProgress(): void {
  if (live) process.stderr.write('\r\u001b[K')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
