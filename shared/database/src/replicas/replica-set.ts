import { type PoolEventType, type PoolOptions, type PoolStatus, QueuePool } from '@shared/pool'
import type { HostState } from '../connection/hosts/host-watch.ts'
import type { Lsn } from '../connection/lsn.ts'
import type { ConnectionSource, SqlConnection } from '../connection/sql-connection.ts'
import { type Host, hostName } from '../connection/target.ts'
import type { Hooks } from '../hooks/hooks.ts'
import { ExclusiveConnection } from '../session/exclusive-connection.ts'
import { createExclusiveWork, type ExclusiveWork } from '../session/exclusive-work.ts'
import { createHeldStatements } from '../session/held-statement.ts'
import { Replayed } from '../session/replayed.ts'
import { createSingleStatements, type RunSingle } from '../session/single-statement.ts'
import type { StatementCatalog } from '../session/statement-catalog.ts'
import type { Work } from '../session/work.ts'
import type { Tracing } from '../tracing/tracing.ts'

export interface ReplicaSetOptions {
  /** The name of the database: that of a host's pool has the host behind it. */
  name: string
  database: string
  hosts: readonly Host[]
  source: ConnectionSource
  stateOf: (host: Host) => HostState | undefined
  /** A standby further behind takes no reads. */
  maxLagMs: number
  pool: PoolOptions
  connectTimeoutMs: number
  catalog: StatementCatalog
  work: Work
  tracing: Tracing
  hooks: Hooks
  onEvent: (type: PoolEventType, error?: unknown, detail?: string) => void
}

/** A host that may be a standby, with a pool of its own. */
export interface Replica extends ExclusiveWork {
  readonly host: Host
  readonly pool: QueuePool<SqlConnection>
  readonly replayed: Replayed
  readonly run: RunSingle
}

// A read need not wait for a standby that has no connection free: the primary has.
const longestWaitMs = 500
// Long enough that a standby that stands still costs few reads twice, short enough that one that hiccuped is read from soon.
const askAgainMs = 20

/** The pools of the standbys, one a host: none has a connection before it is read from. */
export class ReplicaSet {
  readonly #options: ReplicaSetOptions
  readonly #replicas: readonly Replica[]
  /** When each was last found behind. */
  readonly #behindAt = new WeakMap<Replica, number>()

  constructor(options: ReplicaSetOptions) {
    this.#options = options
    this.#replicas = options.hosts.map((host) => createReplica(host, options))
  }

  /**
   * The standby that a read goes to: of those that are not too far behind the one with the fewest callers, of several such the
   * least lagging; null when there is none.
   *
   * @param until Until where it must have replayed.
   * @param writtenAt Since when it has had time for that.
   */
  pick(until: Lsn | null, writtenAt: number): Replica | null {
    const { stateOf, maxLagMs } = this.#options
    let best: Replica | null = null
    let bestLoad = Number.POSITIVE_INFINITY
    let bestLagMs = Number.POSITIVE_INFINITY
    for (const replica of this.#replicas) {
      const state = stateOf(replica.host)
      if (state?.role !== 'standby' || state.lagMs === null || state.lagMs > maxLagMs) continue
      if (until !== null && !this.#mayShow(replica, state, until, writtenAt)) continue
      const load = replica.pool.load
      if (load > bestLoad || (load === bestLoad && state.lagMs >= bestLagMs)) continue
      best = replica
      bestLoad = load
      bestLagMs = state.lagMs
    }
    return best
  }

  /** A standby has turned out not to have replayed what it was asked for: its last look is too old to say how far it is behind. */
  noteBehind(replica: Replica): void {
    this.#behindAt.set(replica, performance.now())
  }

  /** Settles when every standby that can be read from has replayed until there. */
  async replayed(until: Lsn, signal: AbortSignal): Promise<void> {
    const { stateOf, hosts } = this.#options
    const isBehind = () =>
      hosts.some((host) => {
        const state = stateOf(host)
        return state?.role === 'standby' && (state.lsn === null || state.lsn < until)
      })
    while (!signal.aborted && isBehind()) await new Promise((resolve) => setTimeout(resolve, 100).unref())
  }

  /** Whether a standby may show a write by now: its last look says so, or it has had more time than it was behind. */
  #mayShow(replica: Replica, { lsn, lagMs }: HostState, until: Lsn, writtenAt: number): boolean {
    if (lsn !== null && lsn >= until) return true
    const now = performance.now()
    const isFoundBehind = now - (this.#behindAt.get(replica) ?? Number.NEGATIVE_INFINITY) < askAgainMs
    return !isFoundBehind && now - writtenAt >= (lagMs ?? 0)
  }

  *connections(): Generator<SqlConnection> {
    for (const { pool } of this.#replicas) yield* pool.connections()
  }

  status(): readonly { host: Host; pool: PoolStatus }[] {
    return this.#replicas.map(({ host, pool }) => ({ host, pool: pool.status() }))
  }

  invalidate(): void {
    for (const { pool } of this.#replicas) pool.invalidate()
  }

  rejectStranded(): number {
    return this.#replicas.reduce((sum, { pool }) => sum + pool.rejectStranded(), 0)
  }

  async close(closing: { timeoutMs?: number }): Promise<void> {
    await Promise.all(this.#replicas.map(({ pool }) => pool.close(closing)))
  }
}

function createReplica(host: Host, options: ReplicaSetOptions): Replica {
  const { source, catalog, work, hooks } = options
  const { beforeCheckout } = hooks
  const replayed = new Replayed()
  const checkoutTimeoutMs = Math.min(longestWaitMs, options.pool.checkoutTimeoutMs)
  const name = `${options.name} ${hostName(host)}`
  const place = { host: host.name, port: host.port }
  const tracer = options.tracing.tracerOf({ pool: name, database: options.database, ...place })
  const holdOn = (connection: SqlConnection) => new ExclusiveConnection(connection, catalog, work, tracer)
  const pool = new QueuePool<SqlConnection>({
    name,
    pool: { ...options.pool, checkoutTimeoutMs },
    connectTimeoutMs: options.connectTimeoutMs,
    async connect(opening) {
      const connection = await source.open({ ...opening, host, pool: name })
      await hooks.connected?.(connection, holdOn, opening.signal)
      return connection
    },
    onEvent: options.onEvent,
    ownFolders: [import.meta.dirname],
  })
  const exclusiveWork = createExclusiveWork({ pool, catalog, work, tracer, beforeCheckout })
  const ready = async (connection: SqlConnection) => {
    const until = work.current()?.writes?.until
    if (until && !replayed.isKnown(connection, until)) await replayed.require(connection, until)
  }
  return {
    ...exclusiveWork,
    host,
    pool,
    replayed,
    run: beforeCheckout
      ? createHeldStatements(exclusiveWork.hold, ready)
      : createSingleStatements({
          pool,
          source,
          work,
          tracer,
          slowStatementMs: options.pool.slowStatementMs,
          retryReads: false,
          replayed,
          hasMoved: async () => false,
        }),
  }
}
