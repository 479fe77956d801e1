import type { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import type { DrizzleClient } from './drizzle-client.ts'
import { DrizzleDialect } from './drizzle-dialect.ts'
import { DrizzleSession } from './drizzle-session.ts'

/** Drizzle over this layer: everything of `drizzle-orm/postgres-js`, with our client as `$client`. */
export type DrizzleDatabase<TSchema extends Record<string, unknown>> = PostgresJsDatabase<TSchema> & {
  $client: DrizzleClient
}

/** Makes Drizzle's handle over a client. Drizzle writes its codecs into `client.options` here. */
export function createHandle<TSchema extends Record<string, unknown>>(
  client: DrizzleClient,
  schema: TSchema | undefined,
): DrizzleDatabase<TSchema> {
  const stock = drizzle({
    client: client as unknown as postgres.Sql,
    ...(schema && { schema }),
  }) as unknown as DrizzleDatabase<TSchema>
  return handleWith(stock, client, new DrizzleDialect())
}

/**
 * The same handle over another client. What Drizzle worked out of the schema is reused: doing that again for each lease
 * would cost more than the lease.
 */
export function handleOn<TSchema extends Record<string, unknown>>(
  handle: DrizzleDatabase<TSchema>,
  client: DrizzleClient,
): DrizzleDatabase<TSchema> {
  return handleWith(handle, client, (handle as unknown as { dialect: PgDialect }).dialect)
}

function handleWith<TSchema extends Record<string, unknown>>(
  handle: DrizzleDatabase<TSchema>,
  client: DrizzleClient,
  dialect: PgDialect,
): DrizzleDatabase<TSchema> {
  const { session } = handle as unknown as { session: { schema: never } }
  const own = new DrizzleSession(client, dialect, session.schema)
  const derived = new PostgresJsDatabase(
    dialect,
    own as never,
    session.schema,
  ) as unknown as DrizzleDatabase<TSchema>
  derived.$client = client
  derived.$cache = handle.$cache
  return derived
}
