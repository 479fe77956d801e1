import { drizzle, PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import type { DrizzleClient } from './drizzle-client.ts'

/** Drizzle over this layer: everything of `drizzle-orm/postgres-js`, with our client as `$client`. */
export type DrizzleDatabase<TSchema extends Record<string, unknown>> = PostgresJsDatabase<TSchema> & {
  $client: DrizzleClient
}

/** Makes Drizzle's handle over a client. Drizzle writes its codecs into `client.options` here. */
export function createHandle<TSchema extends Record<string, unknown>>(
  client: DrizzleClient,
  schema: TSchema | undefined,
): DrizzleDatabase<TSchema> {
  return drizzle({
    client: client as unknown as postgres.Sql,
    ...(schema && { schema }),
  }) as unknown as DrizzleDatabase<TSchema>
}

/**
 * The same handle over another client. What Drizzle worked out of the schema is reused: doing that again for each lease
 * would cost more than the lease.
 */
export function handleOn<TSchema extends Record<string, unknown>>(
  handle: DrizzleDatabase<TSchema>,
  client: DrizzleClient,
): DrizzleDatabase<TSchema> {
  const { dialect, session } = handle as unknown as {
    dialect: never
    session: { schema: never; options: never }
  }
  const own = new PostgresJsSession(client as never, dialect, session.schema, session.options)
  const derived = new PostgresJsDatabase(
    dialect,
    own as never,
    session.schema,
  ) as unknown as DrizzleDatabase<TSchema>
  derived.$client = client
  derived.$cache = handle.$cache
  return derived
}
