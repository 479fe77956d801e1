import type { PoolEventType, PoolOptions } from '@shared/pool'
import type { HostState } from '../connection/hosts/host-watch.ts'
import type {
  ConnectionSource,
  CreateSource,
  SourceListeners,
  SqlConnection,
} from '../connection/sql-connection.ts'
import { type Host, parseTarget, type Target } from '../connection/target.ts'
import type { Hooks } from '../hooks/hooks.ts'
import {
  type ConnectionOptions,
  type ReplicaOptions,
  resolvePoolOptions,
  resolveReplicaOptions,
} from '../options.ts'
import { StatementCatalog } from '../session/statement-catalog.ts'
import type { Work } from '../session/work.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { ReplicaPlans } from './replica-plans.ts'
import { ReplicaSet } from './replica-set.ts'

/** Which standbys are read from, and when. */
export interface ReplicasOptions extends Partial<ReplicaOptions> {
  /** Where they are. Default: the hosts of the database's own URL, of which the standbys are taken. */
  url?: string | undefined
  /** As that of the database, for this URL. */
  passwordFile?: string | undefined
  /** Options of each standby's pool. Default: those of the database's `pool`. */
  pool?: Partial<PoolOptions> | undefined
}

/** Where standbys may be, and what is asked of them. */
export interface ReplicaSettings extends ReplicaOptions {
  readonly target: Target
  /** Whether there is a host beside the one of the primary. */
  readonly isOn: boolean
  readonly pool: PoolOptions
  /** What their own URL says to no effect. */
  readonly notes: readonly string[]
}

/**
 * Fills in and checks what was given for reads from standbys.
 *
 * @param given Undefined: nothing is read from standbys.
 * @param withSettings Adds to their own URL what the database's sessions begin with.
 * @throws {ConfigurationError} naming the option.
 */
export function resolveReplicaSettings(
  given: ReplicasOptions | undefined,
  target: Target,
  pool: Partial<PoolOptions>,
  withSettings: (own: Target) => Target,
): ReplicaSettings {
  const { url, passwordFile, pool: ownPool, ...others } = given ?? {}
  const own = url === undefined ? null : withSettings(parseTarget(url, passwordFile))
  return {
    ...resolveReplicaOptions(others),
    target: own ?? target,
    isOn: given !== undefined && (own !== null || target.hosts.length > 1),
    pool: resolvePoolOptions({ ...pool, ...ownPool, ...own?.pool }),
    notes: own?.notes ?? [],
  }
}

export interface ReplicasParts {
  name: string
  settings: ReplicaSettings
  connection: ConnectionOptions
  createSource: CreateSource
  stateOf: (host: Host) => HostState | undefined
  work: Work
  tracing: Tracing
  hooks: Hooks
  /** What its connections have of the database's. */
  ends: SourceListeners
  onEvent: (type: PoolEventType, error?: unknown, detail?: string) => void
}

/** The standbys of a database: where connections to them come from, their pools, and the plans there. */
export interface Replicas {
  readonly source: ConnectionSource
  /** What is known of statements there. */
  readonly catalog: StatementCatalog
  /** Null where there are none. */
  readonly set: ReplicaSet | null
  /** Definitions have changed on the primary, to which `connection` leads. */
  definitionsChanged(connection: SqlConnection): Promise<void>
  holdPlans(isHeld: boolean): void
  close(closing: { timeoutMs?: number }): Promise<void>
}

/** Prepares reads from standbys; opens nothing. */
export function createReplicas(parts: ReplicasParts): Replicas {
  const { name, settings, connection, createSource, stateOf, work, tracing, hooks, ends, onEvent } = parts
  const { target, isOn, pool, maxLagMs } = settings
  const catalog = new StatementCatalog()
  const source = createSource(
    target,
    { ...connection, ...target.connection, targetSessionAttrs: 'prefer-standby' },
    { ...ends, onDefinitionsChanged: () => catalog.forgetTypes() },
  )
  const { connectTimeoutMs } = connection
  const { hosts } = target
  const set = isOn
    ? new ReplicaSet({
        name,
        database: target.database,
        hosts,
        source,
        stateOf,
        maxLagMs,
        pool,
        connectTimeoutMs,
        catalog,
        work,
        tracing,
        hooks,
        onEvent,
      })
    : null
  const plans = set && new ReplicaPlans(source, (until, signal) => set.replayed(until, signal))
  return {
    source,
    catalog,
    set,
    async definitionsChanged(primary) {
      await plans?.definitionsChanged(primary)
    },
    holdPlans: (isHeld) => plans?.hold(isHeld),
    async close(closing) {
      plans?.stop()
      await set?.close(closing)
    },
  }
}
