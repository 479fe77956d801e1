import { type ArrayType, arrayTypesText } from './array-types.ts'
import { bounded } from './bounded.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Database, DatabaseOptions } from './database-api.ts'
import { createConnectionSource, definitionsChanged, learnArrayTypes } from './driver.ts'
import { createDrizzleClient, type RunStatement } from './drizzle/client.ts'
import { createHandles, type DrizzleModel, type NoModel } from './drizzle/handle.ts'
import { ConfigurationError, StatementTimeoutError } from './errors.ts'
import { createHealthProbe } from './health.ts'
import { ExclusiveConnection, refused } from './lease.ts'
import { LeaseWatch } from './lease-watch.ts'
import { createMonitor } from './monitor.ts'
import { createPoolMonitor } from './monitor-pool.ts'
import {
  checkArguments,
  refuseUnknownOptions,
  resolveConnectionOptions,
  resolvePoolOptions,
} from './options.ts'
import { describePooler } from './pooler.ts'
import { QueuePool } from './queue-pool.ts'
import { retryTransaction } from './retry.ts'
import { SchemaWatch } from './schema-watch.ts'
import { readBackendStates, terminateBackends } from './server-report.ts'
import { createSingleStatements } from './single-statement.ts'
import type { ResetMode } from './slot.ts'
import { StallWatch } from './stall-watch.ts'
import { StatementCatalog } from './statement.ts'
import { StrandWatch } from './strand-watch.ts'
import { parseTarget } from './target.ts'
import { runTransaction } from './transaction.ts'
import { type Bounds, untilFired, Work } from './work.ts'

const askAsideMs = 750

const optionNames = Object.keys({
  name: true,
  url: true,
  passwordFile: true,
  schema: true,
  relations: true,
  pool: true,
  connection: true,
  replicas: true,
  onEvent: true,
} satisfies Record<keyof DatabaseOptions<NoModel>, true>)

/**
 * Makes a database: a pool under Drizzle. Opens nothing until it is used.
 *
 * @throws {ConfigurationError} for a bad URL or option, naming it.
 */
export function createDatabase<TModel extends DrizzleModel = NoModel>(
  options: DatabaseOptions<TModel>,
): Database<TModel> {
  refuseUnknownOptions(options, optionNames)
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
  const monitor = createMonitor({ onEvent: options.onEvent })
  const source = createConnectionSource(target, connectionOptions, catalog, {
    onPooler: (pooler) =>
      monitor.record('pooler-detected', undefined, describePooler(pooler, connectionOptions.prepare)),
  })
  const work = new Work()
  const pool = new QueuePool<Connection>({
    name,
    pool: poolOptions,
    connectTimeoutMs: connectionOptions.connectTimeoutMs,
    async connect(connect) {
      const connection = await openConnection(source, connect)
      if (connectionOptions.definitionsCheckMs > 0) schemaWatch.start()
      return connection
    },
    onEvent: monitor.record,
  })
  const health = createHealthProbe({
    target,
    options: connectionOptions,
    name,
    onFailure: (error) => monitor.record('health-failed', error),
    onNotify: (payload) => schemaWatch.announce(payload),
  })
  const schemaWatch = new SchemaWatch({
    everyMs: connectionOptions.definitionsCheckMs,
    firstSnapshot: () => source.firstSnapshot,
    isNeeded: () => source.connections.size > 0,
    ask: health.ask,
    async onChanged(aside) {
      definitionsChanged(source)
      monitor.record('definitions-changed')
      learnArrayTypes(source, (await aside.run(arrayTypesText(0), [], false)) as ArrayType[])
    },
    onHold(isHeld, reason) {
      source.plansHeld = isHeld
      monitor.record(isHeld ? 'plans-held' : 'plans-released', undefined, reason ?? undefined)
    },
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
    checkoutTimeoutMs?: number,
  ): Promise<T> {
    const context = work.current()
    const warm = context?.signal?.aborted ? null : pool.tryCheckout()
    const lease = warm ?? (await pool.checkout({ ...context, timeoutMs: checkoutTimeoutMs }))
    const exclusive = new ExclusiveConnection(lease.connection, catalog, work)
    const giveBack = async () => {
      await exclusive.end()
      await lease.checkin({
        reset: reset !== 'if-stateful' ? reset : exclusive.stateful ? 'discard' : 'none',
      })
    }
    try {
      return await work.holding(lease, () => fn(exclusive))
    } finally {
      // What the caller has, it has: its deadline ends the wait for what is still to be cleaned up.
      await untilFired(giveBack(), context?.signal, () => null).catch(() => {})
    }
  }

  /** Runs a call's work within bounds of its own; a time among them stands in for checkoutTimeoutMs. */
  function inBounds<T>(
    { timeoutMs, signal }: Bounds,
    run: (checkoutTimeoutMs?: number) => Promise<T>,
  ): Promise<T> {
    if (timeoutMs === undefined && signal === undefined) return run()
    const checkoutTimeoutMs = timeoutMs === undefined ? undefined : Number.POSITIVE_INFINITY
    return work.within({ timeoutMs, signal }, 'call', () => run(checkoutTimeoutMs))
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

  const handleOn = createHandles(options)
  const db = handleOn(
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
  )

  return {
    name,
    db,
    health,
    monitor: poolMonitor,
    get pooler() {
      return source.poolers.pooler
    },
    async connect(bounds = {}) {
      checkArguments('connect', bounds)
      const { timeoutMs = connectionOptions.connectTimeoutMs, signal } = bounds
      await inBounds({ timeoutMs, signal }, (limitMs) => hold(async () => {}, 'if-stateful', limitMs))
    },
    async use(fn, bounds = {}) {
      checkArguments('use', bounds)
      const run = (exclusive: ExclusiveConnection) => {
        const begin = <T>(inner: Parameters<typeof runTransaction<T>>[2]) =>
          runTransaction(exclusive, source.driver, inner)
        const client = createDrizzleClient({
          options: source.driver,
          run: (text, parameters, values) => exclusive.run(text, parameters, values),
          begin,
          savepoint: begin,
        })
        return fn({ db: handleOn(client), pid: exclusive.connection.pid })
      }
      return await inBounds(bounds, (limitMs) => hold(run, poolOptions.resetOnCheckin, limitMs))
    },
    async transaction(fn, options = {}) {
      checkArguments('transaction', options)
      const { retries = 3, timeoutMs, signal, ...modes } = options
      const config = Object.keys(modes).length > 0 ? modes : undefined
      return await inBounds({ timeoutMs, signal }, () =>
        retryTransaction(() => db.transaction(fn, config), retries, work.current()?.signal),
      )
    },
    async within(options, fn) {
      checkArguments('within', options)
      return await work.within(options, options.owner ?? 'within', fn)
    },
    status: () => pool.status(),
    timings: () => pool.timings(),
    async ping(bounds = {}) {
      checkArguments('ping', bounds)
      const { timeoutMs = 2_000, signal } = bounds
      const ask = async (exclusive: ExclusiveConnection) => {
        const startedAt = performance.now()
        await exclusive.run('select 1', [], true)
        return { latencyMs: performance.now() - startedAt }
      }
      return await inBounds({ timeoutMs, signal }, (limitMs) => hold(ask, 'if-stateful', limitMs))
    },
    events: () => monitor.events(),
    eventCounts: () => monitor.counts(),
    invalidate: () => pool.invalidate(),
    async close(closing = {}) {
      checkArguments('close', closing)
      stallWatch.stop()
      schemaWatch.stop()
      leaseWatch.stop()
      poolMonitor.stop()
      await Promise.all([pool.close(closing), health.close()])
      strandWatch.stop()
    },
  }
}
