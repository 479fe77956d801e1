import { openSession } from '../../src/admin-connection.ts'
import { errorCode } from '../../src/errors.ts'

/** The first row of a query; columns are as the query names them. */
export async function ask(url: string, query: string): Promise<Record<string, unknown> | undefined> {
  await using session = await openSession(url)
  const [row] = await session.sql.unsafe(query)
  return row
}

/** A table of numbers, to see on which servers of a cluster a row is. */
export const rows = {
  make: (url: string) => ask(url, 'create table rows (n int primary key)'),
  add: (url: string, n: number) => ask(url, `insert into rows values (${n})`),
  /** All of them, in order. */
  async in(url: string): Promise<unknown> {
    return (await ask(url, `select coalesce(json_agg(n order by n), '[]') as all from rows`))?.all
  },
}

/** The code that the work fails with, or null when it succeeds. */
export const codeOf = (work: Promise<unknown>): Promise<string | null> => work.then(() => null, errorCode)

/** The timeline that a primary writes, as a number. */
export async function timelineOf(url: string): Promise<number> {
  const row = await ask(
    url,
    `select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as id`,
  )
  return Number(row?.id)
}
