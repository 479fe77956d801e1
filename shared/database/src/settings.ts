import { ConfigurationError, type PoolOptions } from '@shared/pool'
import { withSettings } from './connection/session-settings.ts'
import { parseTarget, type Target } from './connection/target.ts'
import { checkTypeCodecs, type TypeCodecs } from './connection/type-codecs.ts'
import type { DatabaseOptions } from './database-api.ts'
import type { DrizzleModel, NoModel } from './drizzle/handle.ts'
import { checkModuleMeta } from './hot-reload.ts'
import {
  type ConnectionOptions,
  refuseUnknownOptions,
  resolveConnectionOptions,
  resolvePoolOptions,
} from './options.ts'
import { type ReplicaSettings, resolveReplicaSettings } from './replicas/replicas.ts'

const optionNames = Object.keys({
  name: true,
  url: true,
  passwordFile: true,
  directUrl: true,
  schema: true,
  relations: true,
  drizzle: true,
  types: true,
  replicas: true,
  pool: true,
  connection: true,
  comments: true,
  hot: true,
  onConnect: true,
  beforeCheckout: true,
  onNotice: true,
  onEvent: true,
} satisfies Record<keyof DatabaseOptions<NoModel>, true>)

/** What the options of a database and its URL say together. */
export interface DatabaseSettings {
  readonly name: string
  readonly target: Target
  /** Where the server itself is, past a pooler; null: at `target`. */
  readonly direct: Target | null
  readonly pool: PoolOptions
  readonly connection: ConnectionOptions
  readonly replicas: ReplicaSettings
  readonly types: TypeCodecs
  /** What the URLs say that has no effect. */
  readonly notes: readonly string[]
}

/**
 * Puts the options of a database together with what its URL says, which wins.
 *
 * @throws {ConfigurationError} for one that is unknown, is not what it should be, or contradicts another.
 */
export function resolveSettings<TModel extends DrizzleModel>(
  options: DatabaseOptions<TModel>,
): DatabaseSettings {
  refuseUnknownOptions(options, optionNames)
  checkModuleMeta(options.hot)
  const { name, directUrl, passwordFile } = options
  if (!name)
    throw new ConfigurationError(
      'Option name must be a text that is not empty: it names the pool in errors and metrics.',
    )
  const { settings, ...ownConnection } = options.connection ?? {}
  const said = parseTarget(options.url, passwordFile)
  const given = resolveConnectionOptions({ ...ownConnection, ...said.connection })
  const target = withSettings(said, settings, given)
  const { applicationName = given.applicationName ?? name } = target.connection
  const pool = { ...options.pool, ...target.pool }
  const replicas = resolveReplicaSettings(options.replicas, target, pool, (own) =>
    withSettings(own, settings, { ...given, ...own.connection }),
  )
  return {
    name,
    target,
    direct: directUrl === undefined ? null : parseTarget(directUrl, passwordFile),
    pool: resolvePoolOptions(pool),
    connection: { ...given, applicationName },
    replicas,
    types: checkTypeCodecs(options.types),
    notes: [...target.notes, ...replicas.notes],
  }
}
