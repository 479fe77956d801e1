import { sql } from 'drizzle-orm'
import { createDatabase, encodeCopyRows } from '../../src/index.ts'

/** Copies a million rows in and out, and reports how many came and how much memory that took, as a line of JSON. */
export interface CopyMemoryReport {
  rows: number
  bytes: number
  grownMB: number
}

const [url = '', count = '0'] = process.argv.slice(2)
const database = createDatabase({ name: 'memory', url, pool: { poolSize: 1, maxOverflow: 0 } })

let most = 0
function* rows(n: number) {
  for (let row = 1; row <= n; row++) {
    if (row % 10_000 === 0) most = Math.max(most, process.memoryUsage.rss())
    yield [row, 'x'.repeat(150)]
  }
}
async function inAndOut(n: number): Promise<CopyMemoryReport> {
  const stored = await database.copyIn('copy_many', encodeCopyRows(rows(n)))
  let bytes = 0
  for await (const chunk of database.copyOut('copy_many')) {
    bytes += chunk.length
    most = Math.max(most, process.memoryUsage.rss())
  }
  await database.db.execute(sql`delete from copy_many`)
  return { rows: stored.rows, bytes, grownMB: 0 }
}

await inAndOut(100_000)
Bun.gc(true)
const before = process.memoryUsage.rss()
most = before
const report = await inAndOut(Number(count))
report.grownMB = (most - before) / 1024 / 1024
process.stdout.write(`${JSON.stringify(report)}\n`)
await database.close()
