import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dir, '..')
const readme = readFileSync(join(folder, '../../README.md'), 'utf8')
const report = readFileSync(join(folder, 'bench/README.md'), 'utf8')

/** What the README calls a row of its table of speed, and the report. */
const variants = {
  'select by primary key, 1 caller': 'select: 1 caller',
  '… 64 callers': 'select: 64 callers',
  '… 64 callers, 5 ms away each way': 'distance: 64 callers, 5 ms each way',
  'insert returning, 64 callers': 'insert … returning: 64 callers',
  'transaction of two statements, 10 callers': 'transaction of two: 10 callers',
}
const stockPeers = ['drizzle/postgres-js', 'drizzle/node-postgres', 'drizzle/bun-sql']

/** How many times more calls a second than a peer the report has. */
function reported(variant: string, peer: string): number {
  const table = report.slice(report.indexOf(`\n${variant}  `) + 1).split('\n\n')[0] ?? ''
  const line = table.split('\n').find((row) => row.startsWith(`${peer}  `)) ?? ''
  const [, times] = /\s[\d,]+\s+\d+%\s+([\d.]+)/.exec(line) ?? []
  return Number(times)
}

test("the README's table of speed says what the saved report of the benchmarks does", () => {
  const shown = Object.keys(variants).map((name) => {
    const row = readme.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? ''
    return { name, times: [...row.matchAll(/([\d.]+) ×/g)].map(([, times]) => times ?? '') }
  })
  const rounded = Object.entries(variants).map(([name, variant]) => ({
    name,
    times: stockPeers.map((peer) => {
      const times = reported(variant, peer)
      return times.toFixed(times < 10 ? 1 : 0)
    }),
  }))
  expect(shown).toEqual(rounded)
})
