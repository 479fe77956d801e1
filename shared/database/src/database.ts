import { bounded } from './bounded.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Database, DatabaseOptions } from './database-api.ts'
import { createConnectionSource } from './driver.ts'
import { createDrizzleClient, type RunStatement } from './drizzle-client.ts'
import { createHandle, handleOn } from './drizzle-handle.ts'
import { ConfigurationError, StatementTimeoutError } from './errors.ts'
import { createHealthProbe } from './health.ts'
import { ExclusiveConnection, refused } from './lease.ts'
import { LeaseWatch } from './lease-watch.ts'
import { createMonitor } from './monitor.ts'
import { createPoolMonitor } from './monitor-pool.ts'
import { resolveConnectionOptions, resolvePoolOptions } from './options.ts'
import { type CheckoutOptions, QueuePool } from './queue-pool.ts'
import { retryTransaction } from './retry.ts'
import { readBackendStates, terminateBackends } from './server-report.ts'
import { createSingleStatements } from './single-statement.ts'
import type { ResetMode } from './slot.ts'
import { StallWatch } from './stall-watch.ts'
import { StatementCatalog } from './statement.ts'
import { StrandWatch } from './strand-watch.ts'
import { parseTarget } from './target.ts'
import { runTransaction } from './transaction.ts'
import { Work } from './work.ts'

const askAsideMs = 750

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

  const strandWatch = new StrandWatch({
    checks: [
      () => pool.rejectStranded(),
      () => {
        let count = 0
        for (const connection of source.connections) count += connection.settleStranded()
        return count
      },
    ],
    onStranded: (count) => pool.stranded(count),
  })
  strandWatch.start()

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

  const runSingle = createSingleStatements({
    pool,
    catalog,
    work,
    serializers: source.driver.serializers,
    slowStatementMs: poolOptions.slowStatementMs,
    retryReads: connectionOptions.retryReads,
  })
  const run: RunStatement = (text, parameters, values) => {
    const { kind } = catalog.info(text)
    if (kind === 'plain' || kind === 'local') return runSingle(text, parameters, values)
    if (kind === 'stateful') return hold((exclusive) => exclusive.run(text, parameters, values), 'discard')
    return Promise.reject(refused(kind))
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
      strandWatch.stop()
    },
  }
}
