import { parseArgs } from 'node:util'
import type { Figures } from './figures.ts'
import { type LoadId, loadIds, loads } from './loads.ts'
import { measureOverload, type OverloadReport } from './measure.ts'

const usage = `Usage: overload [--json] [--rounds <number>] [--only <load>]…
Loads: ${loadIds.join(', ')}`

/** Runs the program and returns its exit code: 0, 2 for bad arguments, 130 when it was stopped. */
async function main(args: string[]): Promise<number> {
  const options = readArguments(args)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  const stopping = new AbortController()
  const stop = () => stopping.abort(new Error('stopped'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, stop)
  try {
    const report = await measureOverload({ ...options, signal: stopping.signal, onProgress: console.error })
    console.log(
      options.json
        ? JSON.stringify({ date: new Date().toISOString(), bun: Bun.version, ...report }, null, 2)
        : render(report),
    )
    return 0
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    console.error('Stopped.')
    return 130
  }
}

function readArguments(args: string[]): { json: boolean; rounds: number; only: readonly LoadId[] } | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '3' },
        only: { type: 'string', multiple: true, default: [] },
      },
    })
    const unknown = values.only.find((id) => !(loadIds as string[]).includes(id))
    if (unknown !== undefined) return `There is no load "${unknown}".\n${usage}`
    const rounds = Number(values.rounds)
    if (!Number.isInteger(rounds) || rounds < 1) return `--rounds must be a whole number above 0.\n${usage}`
    return { json: values.json, rounds, only: values.only.length > 0 ? (values.only as LoadId[]) : loadIds }
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`
  }
}

function render({ perSecond, cells }: OverloadReport): string {
  const capacity = perSecond.map((n) => n.toFixed(0)).join(', ')
  const parts = [
    `Four connections can serve ${capacity} calls a second. Middle of ${perSecond.length} rounds.`,
  ]
  for (const load of loadIds) {
    const rows = cells
      .filter((cell) => cell.load === load)
      .map(({ line, median }) => [line, ...columnsOf(median)])
    if (rows.length > 0) parts.push(align([[loads[load].title, ...headings], ...rows]))
  }
  return parts.join('\n\n')
}

const headings = ['goodput', 'refused', 'late', 'served p50', 'p99', 'refused p50', 'p99', 'recovery']

function columnsOf(figures: Figures): string[] {
  const { goodput, refused, late, servedP50, servedP99, refusedP50, refusedP99, recovery } = figures
  const times = [servedP50, servedP99, refusedP50, refusedP99, recovery]
  const ms = (value: number | null) => (value === null ? '–' : `${value.toFixed(value < 10 ? 1 : 0)} ms`)
  return [
    goodput.toFixed(2),
    ...[refused, late].map((share) => `${(share * 100).toFixed(0)} %`),
    ...times.map(ms),
  ]
}

function align(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
