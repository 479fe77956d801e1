import type { Context } from 'hono'
import type { ServiceDatabase } from '../context/context.ts'

/** The header in which an answer says what its request has written, and a request what it wants to see. */
export const writtenUntilHeader = 'X-Written-Until'

// The name of a database, percent-encoded, and a position in its log.
const longest = 256

/** What a request wants to see: as it came, for the database to make out. What is too long for a mark is none. */
export function readWrittenUntil(c: Context): string | undefined {
  const mark = c.req.header(writtenUntilHeader)
  return mark !== undefined && mark.length <= longest ? mark : undefined
}

/** Runs a request inside its `within()`, and puts the mark of what it has written on the answer; nothing where it has not. */
export async function tellWrites(
  c: Context,
  database: Pick<ServiceDatabase, 'writtenUntil'>,
  next: () => Promise<void>,
): Promise<void> {
  // What it was told to see is no write of its own.
  const before = database.writtenUntil()
  await next()
  const mark = database.writtenUntil()
  if (mark !== null && mark !== before) c.header(writtenUntilHeader, mark)
}
