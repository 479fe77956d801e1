import { createDatabase, type Database } from '@shared/database'
import type { Sql } from 'postgres'

export * from 'drizzle-orm/postgres-js'

type Opened = Pick<Database<never>, 'close'>

/** Some tests make a handle for themselves and leave it: so many are open at once. */
const mostOpen = 12
const opened = new Map<Sql, Opened[]>()

/** Stands for Drizzle's own `drizzle()` in its integration suite: the same handle, over this layer to the same database. */
export function drizzle(...given: [Sql, object?] | [{ client: Sql }]): object {
  const [first] = given
  const { client, schema, relations, ...config } = (
    typeof first === 'function' ? { client: first, ...given[1] } : first
  ) as { client: Sql; schema?: object; relations?: object }
  const database = createDatabase({
    name: 'drizzle-suite',
    url: urlOf(client),
    drizzle: config,
    ...(schema && { schema }),
    ...(relations && { relations }),
  } as never)
  closeWith(client, database)
  return database.db
}

function urlOf({ options }: Sql): string {
  const { host, port, user, pass, database } = options
  const place = `${[host].flat()[0]}:${[port].flat()[0]}/${database}`
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(String(pass))}@${place}`
}

/** A client that is ended ends what stands for it. */
function closeWith(client: Sql, database: Opened): void {
  const others = opened.get(client) ?? []
  if (others.length === 0) {
    const { end } = client
    client.end = async (...given) => {
      await Promise.all((opened.get(client) ?? []).map((one) => one.close({ timeoutMs: 1_000 })))
      await end(...given)
    }
  }
  opened.set(client, [...others, database])
  if (others.length >= mostOpen) void opened.get(client)?.shift()?.close({ timeoutMs: 1_000 })
}
