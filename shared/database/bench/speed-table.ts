import { join } from 'node:path'
import { blockOf, saveBlock } from './kit/index.ts'
import { peers } from './peers.ts'

/** What the root README calls a row of its table of speed, and the report. */
const rows = {
  'select by primary key, 1 caller': 'select: 1 caller',
  '… 64 callers': 'select: 64 callers',
  '… 500 callers': 'select: 500 callers',
  '… 64 callers, network delay of 5 ms each way': 'distance: 64 callers, 5 ms each way',
  'insert returning, 64 callers': 'insert … returning: 64 callers',
  'transaction of two statements, 10 callers': 'transaction of two: 10 callers',
}

/** Drizzle as its documentation has it first; then what is faster and asks more of its user. */
const columns = {
  'drizzle/postgres-js': peers['drizzle-postgres-js'].title,
  'drizzle/node-postgres': peers['drizzle-node-postgres'].title,
  'drizzle/bun-sql': peers['drizzle-bun-sql'].title,
  'drizzle/postgres-js, `.prepare()`': peers['drizzle-postgres-js-prepared'].title,
  'Bun.SQL, no Drizzle': peers['raw-bun-sql'].title,
}

const none = '–'

/**
 * How many times more calls a second this layer serves than each peer, as a table in Markdown; below 1 the peer is faster.
 *
 * @param report The text of `bench/README.md`.
 * @throws {Error} The report lacks a scenario.
 */
export function renderSpeedTable(report: string): string {
  const titles = Object.keys(columns)
  const lines = Object.entries(rows).map(([name, variant]) => {
    const table = tableOf(report, variant)
    return `| ${[name, ...Object.values(columns).map((peer) => timesIn(table, peer))].join(' | ')} |`
  })
  return [`| | ${titles.join(' | ')} |`, `|---|${titles.map(() => '---|').join('')}`, ...lines].join('\n')
}

/** Writes the root README's table from the report that is saved. @throws {Error} The report lacks a scenario. */
export async function saveSpeedTable(): Promise<void> {
  const report = await Bun.file(join(import.meta.dir, 'README.md')).text()
  await saveBlock(join(import.meta.dir, '../../../README.md'), 'speed', renderSpeedTable(report))
}

/** The lines of one variant's table. */
function tableOf(report: string, variant: string): string[] {
  const [heading = '', ...lines] = (blockOf(report, 'report').split(`\n${variant}  `)[1] ?? '').split('\n')
  if (!heading.trimStart().startsWith('/s'))
    throw new Error(`The saved report has no "${variant}": the table of speed needs a run of every scenario.`)
  return lines.slice(0, lines.indexOf(''))
}

/** The first × of a peer's line; two digits below 1, where rounding would hide most. */
function timesIn(lines: readonly string[], peer: string): string {
  const line = lines.find((candidate) => candidate.startsWith(`${peer}  `))
  if (line === undefined) return none
  const times = Number(/\s[\d,.]+\s+\d+%\s+([\d.]+)/.exec(line)?.[1])
  return `${times.toFixed(times < 1 ? 2 : times < 10 ? 1 : 0)} ×`
}
