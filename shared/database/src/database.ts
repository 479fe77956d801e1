import { bounded, ConfigurationError, QueuePool, StatementTimeoutError } from '@shared/pool'
import { readBackendStates, terminateBackends } from './connection/backends.ts'
import { describePooler } from './connection/pooler.ts'
import { createPostgresSource } from './connection/postgres-js/index.ts'
import { SchemaWatch } from './connection/schema-watch.ts'
import { SideConnection } from './connection/side-connection.ts'
import type { CreateSource, SqlConnection } from './connection/sql-connection.ts'
import { StallWatch } from './connection/stall-watch.ts'
import type { RunStatement } from './connection/statement.ts'
import { StrandWatch } from './connection/strand-watch.ts'
import { parseTarget } from './connection/target.ts'
import type { Database, DatabaseOptions } from './database-api.ts'
import { createDrizzleClient, type DrizzleClient } from './drizzle/client.ts'
import { createHandles, type DrizzleModel, type NoModel } from './drizzle/handle.ts'
import { createEventLog } from './event-log.ts'
import {
  checkArguments,
  refuseUnknownOptions,
  resolveConnectionOptions,
  resolvePoolOptions,
} from './options.ts'
import { type ExclusiveConnection, refused } from './session/exclusive-connection.ts'
import { createExclusiveWork } from './session/exclusive-work.ts'
import { retryTransaction } from './session/retry.ts'
import { createSingleStatements } from './session/single-statement.ts'
import { StatementCatalog } from './session/statement-catalog.ts'
import { runTransaction, type TransactionScope } from './session/transaction.ts'
import { Work } from './session/work.ts'

const askAsideMs = 750

const optionNames = Object.keys({
  name: true,
  url: true,
  passwordFile: true,
  schema: true,
  relations: true,
  pool: true,
  connection: true,
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
  return composeDatabase(options, createPostgresSource)
}

/** Makes a database over connections of any driver; throws as `createDatabase` does. */
export function composeDatabase<TModel extends DrizzleModel>(
  options: DatabaseOptions<TModel>,
  createSource: CreateSource,
): Database<TModel> {
  refuseUnknownOptions(options, optionNames)
  const { name } = options
  if (!name)
    throw new ConfigurationError(
      'Option name must be a text that is not empty: it names the pool in errors and metrics.',
    )
  const target = parseTarget(options.url, options.passwordFile)
  const poolOptions = resolvePoolOptions(options.pool)
  const given = resolveConnectionOptions(options.connection)
  const connectionOptions = { ...given, applicationName: given.applicationName ?? name }
  const catalog = new StatementCatalog()
  const log = createEventLog({ onEvent: options.onEvent })
  const source = createSource(target, connectionOptions, {
    onPooler: (pooler) =>
      log.record('pooler-detected', undefined, describePooler(pooler, connectionOptions.prepare)),
    onDefinitionsChanged: () => catalog.forgetTypes(),
  })
  const work = new Work()
  const pool = new QueuePool<SqlConnection>({
    name,
    pool: poolOptions,
    connectTimeoutMs: connectionOptions.connectTimeoutMs,
    async connect(connect) {
      const connection = await source.open(connect)
      if (connectionOptions.definitionsCheckMs > 0) schemaWatch.start()
      return connection
    },
    onEvent: log.record,
    ownFolders: [import.meta.dir],
  })
  const sideSource = createSource(
    target,
    { ...connectionOptions, applicationName: `${name} health` },
    { onNotify: (payload) => schemaWatch.announce(payload) },
  )
  const side = new SideConnection({ name, open: sideSource.open })
  const schemaWatch = new SchemaWatch({
    everyMs: connectionOptions.definitionsCheckMs,
    firstSnapshot: () => source.firstSnapshot,
    isNeeded: () => source.isInUse,
    ask: (question) => side.ask(question),
    answered: () => source.answered(),
    async onChanged(connection) {
      source.definitionsChanged()
      log.record('definitions-changed')
      await source.learnTypes(connection)
    },
    onHold(isHeld, reason) {
      source.holdPlans(isHeld)
      log.record(isHeld ? 'plans-held' : 'plans-released', undefined, reason ?? undefined)
    },
  })

  /** Asks one question over a fresh connection: one that exists may be as dead as what is asked about. */
  async function askAside<T>(question: (connection: SqlConnection) => Promise<T>): Promise<T> {
    const aside = await source.open({ timeoutMs: askAsideMs })
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
        log.record('statement-stalled', error)
        connection.giveUp(error, quietSince)
      }
      // What the server holds for them would be held until TCP gives up there too.
      const backends = stalled.map(({ connection }) => connection)
      askAside((aside) => terminateBackends(aside, backends)).catch(() => {})
    },
  })
  if (connectionOptions.stallAfterMs > 0) stallWatch.start()
  const strandWatch = new StrandWatch({
    checks: [() => pool.rejectStranded(), () => source.settleStranded()],
    onStranded: (count) => pool.countDefects(count),
  })
  strandWatch.start()

  const { hold, inBounds } = createExclusiveWork({ pool, catalog, work })

  const runSingle = createSingleStatements({
    pool,
    source,
    work,
    slowStatementMs: poolOptions.slowStatementMs,
    retryReads: connectionOptions.retryReads,
  })
  const run: RunStatement = (text, parameters, values) => {
    const statement = catalog.of(text)
    const { kind } = statement
    if (kind === 'plain' || kind === 'local') return runSingle(statement, parameters, values)
    if (kind === 'stateful') return hold((exclusive) => exclusive.run(text, parameters, values), 'discard')
    return Promise.reject(refused(kind))
  }

  const clientOptions = source.clientOptions
  /** Drizzle's client inside a transaction or a savepoint. */
  function clientIn(scope: TransactionScope): DrizzleClient {
    const savepoint: DrizzleClient['savepoint'] = (fn) => scope.savepoint((inner) => fn(clientIn(inner)))
    return createDrizzleClient({ options: clientOptions, run: scope.run, begin: savepoint, savepoint })
  }
  const begin =
    (exclusive: ExclusiveConnection): DrizzleClient['begin'] =>
    (fn) =>
      runTransaction(exclusive, (scope) => fn(clientIn(scope)))

  const handleOn = createHandles(options)
  const db = handleOn(
    createDrizzleClient({
      options: clientOptions,
      run,
      begin: (fn) => hold((exclusive) => begin(exclusive)(fn), 'if-stateful'),
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
    get pooler() {
      return source.pooler
    },
    async connect(bounds = {}) {
      checkArguments('connect', bounds)
      const { timeoutMs = connectionOptions.connectTimeoutMs, signal } = bounds
      await inBounds({ timeoutMs, signal }, (limitMs) => hold(async () => {}, 'if-stateful', limitMs))
    },
    async use(fn, bounds = {}) {
      checkArguments('use', bounds)
      const run = (exclusive: ExclusiveConnection) => {
        const client = createDrizzleClient({
          options: clientOptions,
          run: (text, parameters, values) => exclusive.run(text, parameters, values),
          begin: begin(exclusive),
          savepoint: begin(exclusive),
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
    observe: (question) => side.ask(question),
    events: () => log.events(),
    eventCounts: () => log.counts(),
    record: log.record,
    invalidate: () => pool.invalidate(),
    async close(closing = {}) {
      checkArguments('close', closing)
      stallWatch.stop()
      schemaWatch.stop()
      await Promise.all([pool.close(closing), side.close()])
      strandWatch.stop()
    },
  }
}
