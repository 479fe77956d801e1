import { ConfigurationError } from '@shared/pool'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'
import { readForCacheOn } from './cached-reads.ts'
import type { DrizzleClient } from './client.ts'
import { type DrizzleOptions, isBefore1, resolveDrizzleOptions } from './config.ts'
import { createFasterHandles } from './faster-0.45/handles.ts'
import { fitsInstalledDrizzle } from './faster-0.45/parts.ts'

type ModelOf<THandle> = THandle extends PostgresJsDatabase<infer TModel> ? TModel : never

/**
 * What relational queries are typed by in the installed drizzle-orm: with 0.45 a schema, tables and their `relations()`;
 * with 1.0 what `defineRelations()` returns.
 */
export type DrizzleModel = ModelOf<InstanceType<typeof PostgresJsDatabase>>

/** The model of a handle without relational queries. */
export type NoModel = ModelOf<PostgresJsDatabase>

/** Drizzle over this layer: everything of `drizzle-orm/postgres-js`, with our client as `$client`. */
export type DrizzleDatabase<TModel extends DrizzleModel> = PostgresJsDatabase<TModel> & {
  $client: DrizzleClient
}

/** Drizzle inside a transaction. */
export type TransactionOf<TModel extends DrizzleModel> = Parameters<
  Parameters<DrizzleDatabase<TModel>['transaction']>[0]
>[0]

/** The option of the installed drizzle-orm that takes the model; a handle has relational queries only with one. */
export interface ModelOptions<TModel extends DrizzleModel> {
  /** With drizzle-orm 0.45: the tables and their `relations()`, as `import * as schema` has them. */
  schema?: TModel
  /** With drizzle-orm 1.0: what `defineRelations()` returns. */
  relations?: TModel
}

/** Where what a cache keeps is read, for a handle whose reads may run on a standby. */
export interface Routing {
  readonly primary: DrizzleClient
  /** Whether it is a handle for reads: its transactions, which see what a standby has replayed, leave the cache alone. */
  readonly isReadOnly: boolean
}

export type MakeHandle<TModel extends DrizzleModel> = (
  client: DrizzleClient,
  routing?: Routing,
) => DrizzleDatabase<TModel>

/**
 * Gives what makes Drizzle's handles over clients of one database. With the first one, Drizzle writes its codecs into
 * `client.options`, which all of them share.
 *
 * @param isFaster Whether to use the faster dialect of 0.45. Default: where it fits.
 * @throws {ConfigurationError} for a model or an option of another drizzle-orm than the one installed.
 */
export function createHandles<TModel extends DrizzleModel>(
  { schema, relations, drizzle: given }: ModelOptions<TModel> & { drizzle?: DrizzleOptions },
  isFaster = fitsInstalledDrizzle(),
): MakeHandle<TModel> {
  if (isBefore1 && relations !== undefined) throw wrongModel('relations', 'schema')
  if (!isBefore1 && schema !== undefined) throw wrongModel('schema', 'relations')
  const config = resolveDrizzleOptions(given)
  const { cache, ...uncached } = config
  const makerFor = (own: DrizzleOptions): ((client: DrizzleClient) => DrizzleDatabase<TModel>) => {
    if (isFaster) return createFasterHandles(schema, own) as never
    const model = { ...own, ...(schema && { schema }), ...(relations && { relations }) }
    return (client) => drizzle({ client, ...model } as never) as never
  }
  const make = makerFor(config)
  if (!cache) return make
  const makeUncached = makerFor(uncached)
  return (client, routing) => {
    if (!routing) return make(client)
    const handle = routing.isReadOnly ? makeUncached(client) : make(client)
    const primary = make(routing.primary)
    readForCacheOn(primary, handle, cache)
    return Object.assign(handle, { $cache: primary.$cache })
  }
}

function wrongModel(given: string, expected: string): ConfigurationError {
  return new ConfigurationError(
    `Option ${given} is not one for the installed drizzle-orm ${npmVersion}, whose relational queries need ${expected}.`,
  )
}
