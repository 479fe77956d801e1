import { sql } from 'drizzle-orm'
import { createDatabase } from '../../src/index.ts'

/** Reads a million rows as a stream, and reports how many came and how much memory that took, as a line of JSON. */
export interface StreamMemoryReport {
  rows: number
  sum: number
  grownMB: number
}

const [url = '', count = '0'] = process.argv.slice(2)
const database = createDatabase({ name: 'memory', url, pool: { poolSize: 1, maxOverflow: 0 } })
const rowsOf = (n: number) =>
  database.stream(
    sql<{ n: number; text: string }>`select n, repeat('x', 50) as text from generate_series(1, ${n}::int) n`,
  )

// What the first rows need once: code that is compiled, buffers of a usual size.
for await (const { n } of rowsOf(100_000)) if (n < 0) break
Bun.gc(true)
const before = process.memoryUsage.rss()
let most = before
const report: StreamMemoryReport = { rows: 0, sum: 0, grownMB: 0 }
for await (const { n } of rowsOf(Number(count))) {
  report.rows++
  report.sum += n
  if (report.rows % 10_000 === 0) most = Math.max(most, process.memoryUsage.rss())
}
report.grownMB = (most - before) / 1024 / 1024
process.stdout.write(`${JSON.stringify(report)}\n`)
await database.close()
