import { ConfigurationError } from '@shared/pool'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'
import type { DrizzleClient } from './client.ts'
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

/** The option of the installed drizzle-orm that takes the model; a handle has relational queries only with one. */
export interface ModelOptions<TModel extends DrizzleModel> {
  /** With drizzle-orm 0.45: the tables and their `relations()`, as `import * as schema` has them. */
  schema?: TModel
  /** With drizzle-orm 1.0: what `defineRelations()` returns. */
  relations?: TModel
}

/**
 * Gives what makes Drizzle's handles over clients of one database. With the first one, Drizzle writes its codecs into
 * `client.options`, which all of them share.
 *
 * @param isFaster Whether to use the faster dialect of 0.45. Default: where it fits.
 * @throws {ConfigurationError} for a model in the form of another drizzle-orm than the one installed.
 */
export function createHandles<TModel extends DrizzleModel>(
  { schema, relations }: ModelOptions<TModel>,
  isFaster = fitsInstalledDrizzle(),
): (client: DrizzleClient) => DrizzleDatabase<TModel> {
  const isBefore1 = npmVersion.startsWith('0.')
  if (isBefore1 && relations !== undefined) throw wrongModel('relations', 'schema')
  if (!isBefore1 && schema !== undefined) throw wrongModel('schema', 'relations')
  if (isFaster) return loadFaster().createFasterHandles(schema) as never
  const model = { ...(schema && { schema }), ...(relations && { relations }) }
  return (client) => drizzle({ client, ...model } as never) as never
}

/** Loaded only where it fits: its classes extend what other versions of drizzle-orm do not have. */
function loadFaster(): typeof import('./faster-0.45/handles.ts') {
  return require('./faster-0.45/handles.ts')
}

function wrongModel(given: string, expected: string): ConfigurationError {
  return new ConfigurationError(
    `Option ${given} is not one for the installed drizzle-orm ${npmVersion}, whose relational queries need ${expected}.`,
  )
}
