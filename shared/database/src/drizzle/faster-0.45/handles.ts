import type { DrizzleClient } from '../client.ts'
import { FasterDialect } from './dialect.ts'
import {
  drizzle,
  type Handle,
  PostgresJsDatabase,
  PostgresJsSession,
  type Schema,
  type SessionOptions,
} from './parts.ts'
import { FasterSession } from './session.ts'

/**
 * Makes Drizzle's handles over clients of one database. What Drizzle works out of the schema is kept from the first to
 * the others: doing that again for each lease would cost more than the lease.
 *
 * @param config What `drizzle()` takes. With a logger or a cache each statement goes Drizzle's own way.
 */
export function createFasterHandles(
  schema: unknown,
  config: SessionOptions & { readonly casing?: unknown } = {},
): (client: DrizzleClient) => Handle {
  const dialect = new FasterDialect({ casing: config.casing })
  let known: { schema: Schema; options: SessionOptions; cache: unknown } | null = null
  return (client) => {
    if (known === null) {
      // Drizzle's own function also writes its codecs into the client's options, which all clients share.
      const { session, $cache } = drizzle({ client, ...config, ...(schema !== undefined && { schema }) })
      known = { schema: session.schema, options: session.options, cache: $cache }
    }
    const { schema: model, options, cache } = known
    const isPlain = options.logger === undefined && options.cache === undefined
    const session = isPlain
      ? new FasterSession(client, dialect, model)
      : new PostgresJsSession(client, dialect, model, options)
    const handle = new PostgresJsDatabase(dialect, session, model)
    handle.$client = client
    handle.$cache = cache
    return handle
  }
}
