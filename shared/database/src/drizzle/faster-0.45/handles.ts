import type { DrizzleClient } from '../client.ts'
import { FasterDialect } from './dialect.ts'
import { drizzle, type Handle, PostgresJsDatabase, type Schema } from './parts.ts'
import { FasterSession } from './session.ts'

/**
 * Makes Drizzle's handles over clients of one database. What Drizzle works out of the schema is kept from the first to
 * the others: doing that again for each lease would cost more than the lease.
 */
export function createFasterHandles(schema: unknown): (client: DrizzleClient) => Handle {
  const dialect = new FasterDialect()
  let known: { schema: Schema; cache: unknown } | null = null
  return (client) => {
    if (known === null) {
      // Drizzle's own function also writes its codecs into the client's options, which all clients share.
      const { session, $cache } = drizzle({ client, ...(schema !== undefined && { schema }) })
      known = { schema: session.schema, cache: $cache }
    }
    const session = new FasterSession(client, dialect, known.schema)
    const handle = new PostgresJsDatabase(dialect, session, known.schema)
    handle.$client = client
    handle.$cache = known.cache
    return handle
  }
}
