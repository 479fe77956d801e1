import { cpus, platform } from 'node:os'
import { peers } from './peers.ts'
import type { Cell, FaultReport } from './run-faults.ts'
import { scenarioIds, scenarios } from './scenarios.ts'
import { schedule } from './schedule.ts'

const headings = ['', 'ok', 'failed', 'hung', 'in flight', 'longest', 'first ok', 'all served', 'uncaught']

/** The report as tables, one a scenario, a peer a line. */
export function renderTables(report: FaultReport): string {
  const parts = [describeRun(report)]
  for (const id of scenarioIds) {
    const cells = report.cells.filter(({ scenario }) => scenario === id)
    if (cells.length === 0) continue
    const rows = [[scenarios[id].title, ...headings.slice(1)], ...cells.map(rowOf)]
    parts.push([align(rows), ...longStatements(cells)].join('\n'))
  }
  parts.push(
    'ok, failed, hung: calls (hung: not settled after 5 s). in flight: the most at once until the fault was felt. longest: of all calls.\n' +
      'first ok, all served: since the fault, calls started after it; all served: by each caller. uncaught: errors that end a process.',
  )
  return parts.join('\n\n')
}

/** The report for other programs: the schedule, the machine and every cell with its errors counted. */
export function renderJson(report: FaultReport): string {
  return JSON.stringify({ ...environment(report), schedule, cells: report.cells }, null, 2)
}

function environment(report: FaultReport) {
  return {
    date: new Date().toISOString(),
    bun: Bun.version,
    postgres: report.server,
    platform: platform(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  }
}

function describeRun(report: FaultReport): string {
  const { date, bun, postgres, cpu, cores } = environment(report)
  return (
    `${schedule.callers} callers on a pool of ${schedule.poolSize}, a query each ${schedule.everyMs} ms.\n` +
    `${date.slice(0, 10)} · Bun ${bun} · PostgreSQL ${postgres} · ${cores} × ${cpu}`
  )
}

function rowOf({ peer, result, died }: Cell): string[] {
  const { title } = peers[peer]
  if (!result) return [title, died]
  const counts = [result.ok, result.failed, result.hung, result.inFlight].map(String)
  const times = [result.longestMs, result.firstSuccessMs, result.allServedMs].map(renderMs)
  return [title, ...counts, ...times, String(result.uncaught)]
}

/** A line on the long statement of each peer, where the scenario has one. */
function longStatements(cells: readonly Cell[]): string[] {
  const outcomes = cells.flatMap(({ peer, result }) => {
    const long = result?.longStatement
    if (!long) return []
    const took = long.outcome === 'not begun' ? ', nobody was served again' : ` after ${renderMs(long.ms)}`
    const error = long.outcome === 'failed' ? ` with ${long.error}` : ''
    return [`  ${peers[peer].title}: ${long.outcome}${took}${error}`]
  })
  if (outcomes.length === 0) return []
  return [
    `pg_sleep(${schedule.longMs / 1_000}) beside it, begun when the first caller was served again:`,
    ...outcomes,
  ]
}

const renderMs = (ms: number | null): string => (ms === null ? 'never' : `${Math.round(ms)} ms`)

function align(rows: readonly string[][]): string {
  const full = rows.filter((row) => row.length === headings.length)
  const widths = headings.map((_, column) =>
    Math.max(...(column === 0 ? rows : full).map((row) => row[column]?.length ?? 0)),
  )
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)
  return rows
    .map((row) =>
      (row.length === headings.length ? row.map(cell) : [cell(row[0] ?? '', 0), row[1]]).join('  '),
    )
    .join('\n')
}
