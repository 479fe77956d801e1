import { isServerError } from './driver.ts'
import type { Driver } from './driver-query.ts'

// With a mark that no other client's statements have.
const probeText =
  "select name from pg_prepared_statements where not from_sql and statement like '%/* by which name */%'"

// What says nothing about prepared statements: a conflict, a lack of resources, an operator, a connection that failed.
const passing = /^(?:08|40|53|57|58)/

/**
 * Prepares a statement that looks for itself on the server. One that is there under the name that the driver gave it was
 * handed on as it is: nobody keeps track of it. A pooler that does gives it a name of its own, as clients share its
 * connections. In a transaction, so that what is prepared on a connection to the server is also removed there.
 */
export async function keepsTrack(
  client: Driver,
  read: (query: Driver) => PromiseLike<Driver>,
): Promise<boolean> {
  try {
    const [, rows] = await Promise.all([
      client.unsafe('begin'),
      read(client.unsafe(probeText, [], { prepare: true, simple: false })),
    ])
    const { name } = rows.statement
    const isAsItIs = rows.some((row: { name: string }) => row.name === name)
    await client.unsafe(isAsItIs ? `rollback; deallocate "${name}"` : 'rollback')
    return rows.length > 0 && !isAsItIs
  } catch (error) {
    if (!isServerError(error) || passing.test((error as { code: string }).code)) throw error
    await client.unsafe('rollback')
    return false
  }
}
