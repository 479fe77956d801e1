import { sql } from 'drizzle-orm'
import { createDatabase, errorCode } from '../src/index.ts'

/** What a process is told at its start, as JSON. */
export interface CeilingTask {
  url: string
  maxRoleConnections: number
  /** Callers at a time, and how many transactions each of them runs. */
  callers: number
  rounds: number
}

/** What it reports when its callers are done, a line of JSON. */
export interface CeilingReport {
  served: number
  /** The codes of the errors that callers got. */
  errors: (string | null)[]
}

const { url, maxRoleConnections, callers, rounds } = JSON.parse(process.argv[2] ?? '{}') as CeilingTask
const report: CeilingReport = { served: 0, errors: [] }
// Patient: many processes that start at once on a small machine are slow, which is not what is looked at.
const database = createDatabase({
  name: 'scaled',
  url,
  pool: { poolSize: 10, maxOverflow: 20, checkoutTimeoutMs: 120_000 },
  connection: { maxRoleConnections, connectTimeoutMs: 60_000, stallAfterMs: 0 },
})

async function call(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    try {
      await database.db.transaction((tx) => tx.execute(sql`select pg_sleep(0.01)`))
      report.served++
    } catch (error) {
      report.errors.push(errorCode(error))
    }
  }
}

await Promise.all(Array.from({ length: callers }, call))
process.stdout.write(`${JSON.stringify(report)}\n`)
// Keeps its connections, as a service does that has nothing to do, until its input ends.
await new Promise((resolve) => process.stdin.once('end', resolve).resume())
await database.close()
