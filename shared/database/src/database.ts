import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import { bounded } from './bounded.ts'
import { type Connection, openConnection, type Rows } from './connection.ts'
import { createConnectionSource } from './driver.ts'
import { createDrizzleClient, type RunStatement } from './drizzle-client.ts'
import { createHandle, type DrizzleDatabase, handleOn } from './drizzle-handle.ts'
import { ConfigurationError, ConnectionLostError, StatementTimeoutError } from './errors.ts'
import { createHealthProbe, type HealthProbe } from './health.ts'
import { ExclusiveConnection, refused } from './lease.ts'
import { LeaseWatch } from './lease-watch.ts'
import { createMonitor, type DatabaseEvent, type EventCounts } from './monitor.ts'
import { createPoolMonitor, type PoolMonitor } from './monitor-pool.ts'
import {
  type ConnectionOptions,
  type PoolOptions,
  resolveConnectionOptions,
  resolvePoolOptions,
} from './options.ts'
import { type CheckoutOptions, QueuePool } from './queue-pool.ts'
import { retryTransaction } from './retry.ts'
import { readBackendStates, terminateBackends } from './server-report.ts'
import type { ResetMode, Slot } from './slot.ts'
import { StallWatch } from './stall-watch.ts'
import { isPlainRead, isRead, StatementCatalog } from './statement.ts'
import type { PoolStatus, PoolTimings } from './status.ts'
import { parseTarget } from './target.ts'
import { runTransaction } from './transaction.ts'
import { guard, Work, type WorkOptions } from './work.ts'

export interface DatabaseOptions<TSchema extends Record<string, unknown>> {
  /** The pool's name in errors, events and metrics, and in pg_stat_activity. */
  name: string
  /** postgres://user:password@host:port/database, optionally ?sslmode=…. */
  url: string
  /** Path of a file with the password, read at each connect so that rotation needs no restart. Wins over the URL's. */
  passwordFile?: string
  /** Drizzle's schema, for relational queries. */
  schema?: TSchema
  pool?: Partial<PoolOptions>
  connection?: Partial<ConnectionOptions>
  /** How many processes open a pool like this one on the same server, for the monitor's budget. 1 or more. Default 1. */
  replicas?: number
  /** Called with every event; one that throws breaks nothing. */
  onEvent?: (event: DatabaseEvent) => void
}

/** One connection for the caller alone, inside `use()`. */
export interface UsedConnection<TSchema extends Record<string, unknown>> {
  /** Drizzle on this connection. Rejects once `use()` has ended. */
  readonly db: DrizzleDatabase<TSchema>
  /** The backend's process id, as in pg_stat_activity. */
  readonly pid: number
}

/** Drizzle inside a transaction. */
export type TransactionOf<TSchema extends Record<string, unknown>> = Parameters<
  Parameters<DrizzleDatabase<TSchema>['transaction']>[0]
>[0]

export interface TransactionOptions extends WorkOptions, PgTransactionConfig {
  retries?: number
}

export interface Database<TSchema extends Record<string, unknown>> {
  readonly name: string
  /** Drizzle over the pool: select, insert, transaction, query, execute … */
  readonly db: DrizzleDatabase<TSchema>
  /**
   * Opens and verifies one connection.
   *
   * @param options.timeoutMs Default connectTimeoutMs (10 000).
   * @throws {ConnectError} when the server refuses or has not answered by then.
   */
  connect(options?: CheckoutOptions): Promise<void>
  /**
   * Runs several statements on one exclusive connection; session state they leave is reset afterwards.
   *
   * @throws what `fn` throws, and what a checkout throws (see QueuePool.checkout).
   */
  use<T>(fn: (connection: UsedConnection<TSchema>) => Promise<T>, options?: CheckoutOptions): Promise<T>
  /**
   * `db.transaction()` that runs the whole callback again when the server rolled it back (40001, 40P01) or its connection was
   * lost before COMMIT was sent, after jittered pauses. Never after a COMMIT whose answer did not come. The callback must
   * have no effects outside the database that may not happen twice.
   *
   * @param options.retries How many times beyond the first. Default 3.
   * @param options.timeoutMs Longest time in ms for all attempts and pauses, as `within()` has it.
   * @throws What the last attempt threw.
   */
  transaction<T>(fn: (tx: TransactionOf<TSchema>) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Bounds all database work done inside `fn`, also across awaits: waiting in line, connecting and running. At the deadline,
   * or when the signal fires, callers are told at once, what runs is cancelled on the server, and its connection comes back
   * clean; work already committed stays.
   *
   * @param options.timeoutMs Longest time in ms. A bound around this one holds too.
   * @throws {StatementTimeoutError} after `timeoutMs`; {@link WorkAbortedError} when the signal fired; and what `fn` throws.
   */
  within<T>(options: WorkOptions, fn: () => Promise<T>): Promise<T>
  /** One consistent snapshot of the pool. */
  status(): PoolStatus
  /** How long waits, leases and connects took, since the start. */
  timings(): PoolTimings
  /**
   * Sends `select 1` over the pool; `latencyMs` is that round trip alone, without the wait for a connection.
   *
   * @param options.timeoutMs For all of it. Default 2 000.
   */
  ping(options?: CheckoutOptions): Promise<{ latencyMs: number }>
  /** Whether the database answers, asked on a connection of its own. */
  readonly health: HealthProbe
  /** Samples of the last ten minutes and advice from them, once started; `close()` stops it. */
  readonly monitor: PoolMonitor
  /** The last events, newest last. */
  events(): readonly DatabaseEvent[]
  /** How often each type of event was recorded, since the start. */
  eventCounts(): EventCounts
  /** Retires every connection made until now. */
  invalidate(): void
  /**
   * Refuses new work, waits for what is under way, closes every connection. Idempotent; always settles.
   *
   * @param options.timeoutMs Time for work under way; what is left then is cancelled on the server and cut. Default 5 000.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}

const askAsideMs = 750

// A statement that was never sent goes to another connection; a server that loses every one at once ends that.
const mostLostInARow = 5

/**
 * Makes a database: a pool under Drizzle. Opens nothing until it is used.
 *
 * @throws {ConfigurationError} for a bad URL or option, naming it.
 */
export function createDatabase<TSchema extends Record<string, unknown> = Record<string, never>>(
  options: DatabaseOptions<TSchema>,
): Database<TSchema> {
  const { name } = options
  if (!name)
    throw new ConfigurationError(
      'Option name must be a text that is not empty: it names the pool in errors and metrics.',
    )
  const target = parseTarget(options.url, options.passwordFile)
  const { replicas = 1 } = options
  if (!Number.isInteger(replicas) || replicas < 1)
    throw new ConfigurationError(
      `Option replicas must be a whole number from 1, got ${Bun.inspect(replicas)}.`,
    )
  const poolOptions = resolvePoolOptions(options.pool)
  const given = resolveConnectionOptions(options.connection)
  const connectionOptions = { ...given, applicationName: given.applicationName ?? name }
  const catalog = new StatementCatalog()
  const source = createConnectionSource(target, connectionOptions, catalog)
  const monitor = createMonitor({ onEvent: options.onEvent })
  const work = new Work()
  const pool = new QueuePool<Connection>({
    name,
    pool: poolOptions,
    connectTimeoutMs: connectionOptions.connectTimeoutMs,
    connect: (connect) => openConnection(source, connect),
    onEvent: monitor.record,
  })
  const health = createHealthProbe({
    target,
    options: connectionOptions,
    name,
    onFailure: (error) => monitor.record('health-failed', error),
  })

  const watched = {
    status: () => pool.status(),
    timings: () => pool.timings(),
    events: monitor.events,
    health,
  }
  const poolMonitor = createPoolMonitor(watched, { replicas })

  /** Asks one question over a fresh connection: one that exists may be as dead as what is asked about. */
  async function askAside<T>(question: (connection: Connection) => Promise<T>): Promise<T> {
    const aside = await openConnection(source, { timeoutMs: askAsideMs })
    try {
      return await bounded(question(aside), askAsideMs)
    } finally {
      void aside.close()
    }
  }

  const stallWatch = new StallWatch({
    stallAfterMs: connectionOptions.stallAfterMs,
    connections: () => pool.connections(),
    look: (pids) => askAside((aside) => readBackendStates(aside, pids)),
    onStalled(stalled) {
      const error = new StatementTimeoutError(connectionOptions.stallAfterMs)
      for (const { connection, quietSince } of stalled) {
        monitor.record('statement-stalled', error)
        connection.giveUp(error, quietSince)
      }
      // What the server holds for them would be held until TCP gives up there too.
      const backends = stalled.map(({ connection }) => connection)
      askAside((aside) => terminateBackends(aside, backends)).catch(() => {})
    },
  })
  if (connectionOptions.stallAfterMs > 0) stallWatch.start()
  const leaseWatch = new LeaseWatch<Connection>({
    leakAfterMs: poolOptions.leakAfterMs,
    slots: () => pool.slots(),
    now: () => performance.now(),
    onLeak: (heldMs, place) =>
      monitor.record('lease-leaked', undefined, `held for ${Math.round(heldMs)} ms, taken at ${place}`),
  })
  if (poolOptions.leakAfterMs > 0) leaseWatch.start()

  async function hold<T>(
    fn: (exclusive: ExclusiveConnection) => Promise<T>,
    reset: ResetMode | 'if-stateful',
    checkout?: CheckoutOptions,
  ): Promise<T> {
    const context = work.current()
    const warm = context?.signal?.aborted || checkout?.signal?.aborted ? null : pool.tryCheckout()
    const lease = warm ?? (await pool.checkout({ ...context, ...checkout }))
    const exclusive = new ExclusiveConnection(lease.connection, catalog, work)
    try {
      return await work.holding(lease.slot, () => fn(exclusive))
    } finally {
      exclusive.end()
      await lease.connection.cancelled()
      await lease.checkin({
        reset: reset !== 'if-stateful' ? reset : exclusive.stateful ? 'discard' : 'none',
      })
    }
  }

  const run: RunStatement = (text, parameters, values) => {
    const { kind } = catalog.info(text)
    if (kind === 'plain') return share(text, parameters, values, 0)
    if (kind === 'stateful') return hold((exclusive) => exclusive.run(text, parameters, values), 'discard')
    return Promise.reject(refused(kind))
  }

  function share(text: string, parameters: readonly unknown[], values: boolean, lost: number): Promise<Rows> {
    const context = work.current()
    if (context?.signal?.aborted) return Promise.reject(context.signal.reason)
    const now = performance.now()
    const kind = catalog.info(text).tookMs > poolOptions.slowStatementMs ? 'slow' : 'shared'
    const slot = pool.tryShare(now, kind)
    return slot
      ? runOn(slot, now, context?.signal, text, parameters, values, lost)
      : pool
          .share(context, kind)
          .then((shared) => runOn(shared, performance.now(), context?.signal, text, parameters, values, lost))
  }

  function runOn(
    slot: Slot<Connection>,
    since: number,
    signal: AbortSignal | undefined,
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    lost: number,
  ): Promise<Rows> {
    const connection = slot.connection as Connection
    const ticket = signal && { place: 0, isCancelled: false }
    const answer = connection.run(text, parameters, values, ticket && { ticket }).then(
      (rows) => {
        // The answer has just been read, and the clock with it.
        pool.unshare(slot, since, connection.spokeAt)
        return rows
      },
      (error: unknown) => {
        pool.unshare(slot, since)
        if (ticket?.isCancelled || lost >= mostLostInARow) throw error
        const fate = connection.fateOf(error)
        // A read that the server has not seen is not repeated but run: should the network still deliver it, no harm is done.
        if (hadNoEffect(error) || fate === 'collateral' || (fate === 'unreceived' && isPlainRead(text)))
          return share(text, parameters, values, lost + 1)
        // Once only: a read that takes its connection with it must not go round all of them.
        const isWorthRepeating =
          connectionOptions.retryReads && error instanceof ConnectionLostError && isRead(text)
        // In the next turn, when what took this connection has been heard of from the others.
        if (isWorthRepeating)
          return new Promise(setImmediate).then(() => share(text, parameters, values, mostLostInARow))
        throw error
      },
    )
    return signal && ticket ? guard(answer, signal, connection, ticket) : answer
  }

  const db = createHandle(
    createDrizzleClient({
      options: source.driver,
      run,
      begin: (fn) => hold((exclusive) => runTransaction(exclusive, source.driver, fn), 'if-stateful'),
      savepoint: () =>
        Promise.reject(
          new ConfigurationError(
            'A savepoint needs a transaction: use db.transaction() and tx.transaction().',
          ),
        ),
    }),
    options.schema,
  )

  return {
    name,
    db,
    health,
    monitor: poolMonitor,
    async connect({ timeoutMs = connectionOptions.connectTimeoutMs, signal } = {}) {
      const lease = await pool.checkout({ timeoutMs, signal })
      await lease.checkin()
    },
    use(fn, checkout) {
      return hold(
        (exclusive) => {
          const begin = <T>(inner: Parameters<typeof runTransaction<T>>[2]) =>
            runTransaction(exclusive, source.driver, inner)
          const client = createDrizzleClient({
            options: source.driver,
            run: (text, parameters, values) => exclusive.run(text, parameters, values),
            begin,
            savepoint: begin,
          })
          return fn({ db: handleOn(db, client), pid: exclusive.connection.pid })
        },
        poolOptions.resetOnCheckin,
        checkout,
      )
    },
    transaction(fn, { retries = 3, timeoutMs, signal, ...modes } = {}) {
      const config = Object.keys(modes).length > 0 ? modes : undefined
      const run = () => retryTransaction(() => db.transaction(fn, config), retries, work.current()?.signal)
      return timeoutMs === undefined && signal === undefined ? run() : work.within({ timeoutMs, signal }, run)
    },
    within: (options, fn) => work.within(options, fn),
    status: () => pool.status(),
    timings: () => pool.timings(),
    async ping({ timeoutMs = 2_000, signal } = {}) {
      const deadline = performance.now() + timeoutMs
      const lease = await pool.checkout({ timeoutMs, signal })
      try {
        const startedAt = performance.now()
        await bounded(lease.connection.ping(deadline - startedAt), timeoutMs, signal)
        return { latencyMs: performance.now() - startedAt }
      } finally {
        await lease.checkin()
      }
    },
    events: () => monitor.events(),
    eventCounts: () => monitor.counts(),
    invalidate: () => pool.invalidate(),
    async close(closing) {
      stallWatch.stop()
      leaseWatch.stop()
      poolMonitor.stop()
      await Promise.all([pool.close(closing), health.close()])
    },
  }
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
