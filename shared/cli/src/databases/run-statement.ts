import { createDatabase } from '@shared/database'
import { renderTable } from '../terminal/text.ts'

/** Runs one statement and shows its rows as a table. @throws the server's error, and what a checkout throws. */
export async function runStatement(url: string, statement: string): Promise<string> {
  const database = createDatabase({ name: 'psql', url, pool: { poolSize: 1, maxOverflow: 0 } })
  try {
    await database.connect()
    const rows: readonly Record<string, unknown>[] = await database.db.execute(statement)
    const [first] = rows
    if (first === undefined) return '(no rows)'
    const columns = Object.keys(first)
    return renderTable([columns, ...rows.map((row) => columns.map((column) => show(row[column])))])
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}

const show = (value: unknown): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
