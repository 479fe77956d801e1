import { PoolClosedError, type PoolEventType, QueuePool } from '@shared/pool'
import { checkArguments } from './call-arguments.ts'
import { SharedCeiling } from './connection/ceiling/shared-ceiling.ts'
import { describeFailover, Hosts } from './connection/hosts/hosts.ts'
import { guarded } from './connection/notice.ts'
import { describePooler, type Pooler } from './connection/pooler.ts'
import { createPostgresSource } from './connection/postgres-js/index.ts'
import { SchemaWatch } from './connection/schema-watch.ts'
import { SideConnection } from './connection/side-connection.ts'
import type { CreateSource, SqlConnection } from './connection/sql-connection.ts'
import type { RunStatement } from './connection/statement.ts'
import type { Database, DatabaseOptions } from './database-api.ts'
import { noteWhereBuilt } from './drizzle/built-at.ts'
import { createHandles, type DrizzleModel, type NoModel } from './drizzle/handle.ts'
import { createEventLog } from './event-log.ts'
import { createDatabaseHandles, type Handles } from './handles.ts'
import { createHooks } from './hooks/hooks.ts'
import { replaceOnReload } from './hot-reload.ts'
import { createReads } from './replicas/reads.ts'
import { createReplicas } from './replicas/replicas.ts'
import { createDefining } from './session/defining.ts'
import { ExclusiveConnection, refused } from './session/exclusive-connection.ts'
import { createExclusiveWork } from './session/exclusive-work.ts'
import { createHeldStatements } from './session/held-statement.ts'
import { KeptSessions } from './session/kept-session.ts'
import { createSingleStatements } from './session/single-statement.ts'
import { StatementCatalog } from './session/statement-catalog.ts'
import { Work } from './session/work.ts'
import { resolveSettings } from './settings.ts'
import { tracedPool } from './tracing/messages.ts'
import { tracedSource } from './tracing/traced-source.ts'
import { createTracing } from './tracing/tracing.ts'
import { createListening } from './uses/listen/listening.ts'
import { createTransact } from './uses/transact.ts'
import { createUses } from './uses/uses.ts'
import { startWatches } from './watches.ts'

const readOnly = 'set transaction read only'

// The signals to all sessions are sent one after the other.
const shutDownMs = 200

const troubles = new Set<PoolEventType>(['connect-failed', 'connection-lost', 'ping-failed'])
const isSignOfTrouble = (type: PoolEventType): boolean => troubles.has(type)

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
  createUntracedSource: CreateSource,
): Database<TModel> {
  const settings = resolveSettings(options)
  const { name, target, connection: connectionOptions, replicas: replicaSettings } = settings
  const createSource = tracedSource(createUntracedSource, name)
  const catalog = new StatementCatalog()
  const log = createEventLog({ onEvent: options.onEvent })
  const tracing = createTracing({
    slowQueryMs: connectionOptions.slowQueryMs,
    comments: options.comments,
    ownFolders: [import.meta.dirname],
    onSlow: (error, detail) => log.record('slow-query', error, detail),
  })
  const tracer = tracing.tracerOf(tracedPool(name, target))
  if (settings.notes.length > 0) log.record('parameters-ignored', undefined, settings.notes.join('; '))
  const onPooler = (pooler: Pooler) =>
    log.record('pooler-detected', undefined, describePooler(pooler, connectionOptions.prepare))
  const onPoolEvent = (type: PoolEventType, error?: unknown, detail?: string) => {
    if (isSignOfTrouble(type)) hosts.urge()
    log.record(type, error, detail)
  }
  const ends = { types: settings.types, onNotice: guarded(options.onNotice), onPooler }
  const source = createSource(target, connectionOptions, {
    ...ends,
    onDefinitionsChanged: () => catalog.forgetTypes(),
    onNotify: (payload, connection) => keptSessions.notified(payload, connection),
  })
  const work = new Work({ followsWrites: replicaSettings.isOn, database: target.database })
  const pool = new QueuePool<SqlConnection>({
    name,
    pool: settings.pool,
    connectTimeoutMs: connectionOptions.connectTimeoutMs,
    async connect(connect) {
      const connection: SqlConnection = ceiling
        ? await ceiling.open(connect, (opening) => hosts.open({ ...opening, pool: name }))
        : await hosts.open({ ...connect, pool: name })
      await hooks.connected?.(connection, holdOn, connect.signal)
      if (connectionOptions.definitionsCheckMs > 0) schemaWatch.start()
      return connection
    },
    onEvent: onPoolEvent,
    onShort: () => ceiling?.short(),
    ownFolders: [import.meta.dirname],
  })
  const holdOn = (connection: SqlConnection) => new ExclusiveConnection(connection, catalog, work, tracer)
  const hooksOn = (handlesOf: () => Handles<TModel>) =>
    createHooks({
      ...options,
      timeoutMs: connectionOptions.hookTimeoutMs,
      work,
      handleOn: (exclusive) => handlesOf().on(exclusive),
      onFailed: (type, error, hook) => log.record(type, error, hook),
    })
  const hooks = hooksOn(() => handles)
  const replicas = createReplicas({
    name,
    settings: replicaSettings,
    connection: connectionOptions,
    createSource,
    stateOf: (host) => hosts.stateOf(host),
    work,
    tracing,
    hooks: hooksOn(() => readHandles),
    ends,
    onEvent: onPoolEvent,
  })
  const hosts: Hosts = new Hosts({
    target,
    watched: replicaSettings.isOn ? replicaSettings.target.hosts : [],
    options: connectionOptions,
    source,
    watchedSource: replicas.source,
    connections: () => pool.connections(),
    isShutDown: () => side.isLostWithin(shutDownMs),
    onPrimary(change) {
      pool.reconnect()
      listening.follow()
      if (!change.before) return
      log.record('failed-over', undefined, describeFailover(change))
      tracer.failover(change)
    },
  })
  const sideSource = createSource(
    target,
    { ...connectionOptions, applicationName: `${name} health` },
    { onNotify: (payload) => schemaWatch.announce(payload) },
  )
  const side: SideConnection = new SideConnection({
    name,
    open: (opening) => hosts.open(opening, sideSource),
    isStale: (connection) => hosts.isStale(connection),
  })
  const keptSessions = new KeptSessions({ askAside: (question) => side.ask(question) })
  const listening = createListening({
    name,
    target,
    direct: settings.direct,
    connection: connectionOptions,
    createSource,
    hosts,
    keptSessions,
    work,
    tracer,
    record: log.record,
  })
  const { maxRoleConnections } = connectionOptions
  const ceiling: SharedCeiling | null =
    maxRoleConnections > 0
      ? new SharedCeiling({
          limit: maxRoleConnections,
          pool,
          ask: (question, timeoutMs) => side.ask(question, timeoutMs),
        })
      : null
  const schemaWatch = new SchemaWatch({
    everyMs: connectionOptions.definitionsCheckMs,
    firstSnapshot: () => source.firstSnapshot,
    isNeeded: () => source.isInUse,
    ask: (question) => side.ask(question),
    answered: async () => {
      await Promise.all([source.answered(), replicas.source.answered()])
    },
    async onChanged(connection) {
      source.definitionsChanged()
      log.record('definitions-changed')
      await source.learnTypes(connection)
      await replicas.definitionsChanged(connection)
    },
    onHold(isHeld, reason) {
      source.holdPlans(isHeld)
      replicas.holdPlans(isHeld)
      log.record(isHeld ? 'plans-held' : 'plans-released', undefined, reason ?? undefined)
    },
  })

  const stopWatches = startWatches({
    stallAfterMs: connectionOptions.stallAfterMs,
    hosts,
    *connections() {
      yield* pool.connections()
      if (replicas.set) yield* replicas.set.connections()
    },
    onStalled: (error) => log.record('statement-stalled', error),
    checks: [
      () => pool.rejectStranded(),
      () => replicas.set?.rejectStranded() ?? 0,
      () => source.settleStranded(),
      () => replicas.source.settleStranded(),
    ],
    onStranded: (count) => pool.countDefects(count),
  })

  const defining = createDefining({
    look: async () => connectionOptions.definitionsCheckMs > 0 && (await schemaWatch.lookNow()),
    retirePlans: () => source.definitionsChanged(),
    signal: () => work.current()?.signal,
  })
  const { hold, inBounds } = createExclusiveWork({
    pool,
    catalog,
    work,
    tracer,
    beforeCheckout: hooks.beforeCheckout,
    onDefined: defining.defined,
  })
  const runSingle = hooks.beforeCheckout
    ? createHeldStatements(hold)
    : createSingleStatements({
        pool,
        source,
        work,
        tracer,
        slowStatementMs: settings.pool.slowStatementMs,
        retryReads: connectionOptions.retryReads,
        hasMoved: (error, connection) => hosts.hasMoved(error, connection),
      })
  const reads = createReads({
    replicas: replicas.set,
    catalog: replicas.catalog,
    work,
    primary: { run: (text, parameters, values) => runSingle(catalog.of(text), parameters, values), hold },
  })
  const runOnPrimary: RunStatement = (text, parameters, values) => {
    const statement = catalog.of(text)
    const { kind } = statement
    if (kind === 'plain' || kind === 'local') {
      const answer = runSingle(statement, parameters, values)
      return statement.effect === 'unknown' ? defining.after(answer) : answer
    }
    if (kind === 'stateful')
      return hold((exclusive) => exclusive.noting(() => exclusive.run(text, parameters, values)), 'discard')
    return Promise.reject(refused(kind))
  }

  const run: RunStatement = (text, parameters, values) =>
    replicaSettings.routeReads && reads.mayRoute(catalog.of(text))
      ? reads.run(text, parameters, values)
      : runOnPrimary(text, parameters, values)

  const handlesOn = createHandles(options)
  const handleOn = tracing.sites ? noteWhereBuilt(handlesOn, tracing.sites) : handlesOn
  const handles = createDatabaseHandles(handleOn, source.clientOptions, tracer)
  const { isOn, routeReads } = replicaSettings
  const db = handles.over({ run, hold, runForCache: isOn && routeReads ? runOnPrimary : undefined })
  // Also where nothing is read from standbys: Drizzle writes its codecs into the options of a client.
  const readHandles = createDatabaseHandles(handleOn, replicas.source.clientOptions, tracer)
  const readsDb = readHandles.over(
    { run: reads.run, hold: reads.hold, runForCache: isOn ? reads.runOnPrimary : undefined },
    readOnly,
  )

  const hasMoved = (error: unknown) => hosts.hasMoved(error)
  const transaction = createTransact({ db, inBounds, work, tracer, hasMoved })
  const uses = createUses<TModel>({
    transaction,
    inBounds,
    run,
    listening,
    tracer,
    places: {
      primary: { hold, handleOver: (run) => handles.over({ run, hold }), opening: null },
      reads: { hold: reads.hold, handleOver: (run) => readHandles.over({ run, hold }), opening: readOnly },
    },
  })

  const database: Database<TModel> = {
    name,
    db,
    reads: readsDb,
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
      const run = (exclusive: ExclusiveConnection) =>
        exclusive.noting(() =>
          fn({
            db: handles.on(exclusive),
            pid: exclusive.connection.pid,
            keepsSession: () => keptSessions.keepsSession(exclusive),
          }),
        )
      return await inBounds(bounds, (limitMs) => hold(run, settings.pool.resetOnCheckin, limitMs))
    },
    async transaction(fn, options = {}) {
      checkArguments('transaction', options)
      return await transaction(options, fn)
    },
    ...uses.api,
    async within(options, fn) {
      checkArguments('within', options)
      return await work.within(options, options.owner ?? 'within', fn)
    },
    writtenUntil: () => work.writtenUntil(),
    status: () => pool.status(),
    timings: () => pool.timings(),
    async ping(bounds = {}) {
      checkArguments('ping', bounds)
      const { timeoutMs = 2_000, signal } = bounds
      const ask = async (exclusive: ExclusiveConnection) => {
        const startedAt = performance.now()
        await exclusive.ask('select 1')
        return { latencyMs: performance.now() - startedAt }
      }
      return await inBounds({ timeoutMs, signal }, (limitMs) => hold(ask, 'if-stateful', limitMs))
    },
    observe: (question) => side.ask(question),
    hosts: () => hosts.states,
    readCounts: () => ({ ...reads.counters }),
    maxLagMs: replicaSettings.maxLagMs,
    replicas: () => replicas.set?.status() ?? [],
    ceiling: () => ceiling?.status ?? null,
    events: () => log.events(),
    eventCounts: () => log.counts(),
    record: log.record,
    invalidate() {
      pool.invalidate()
      replicas.set?.invalidate()
    },
    async close(closing = {}) {
      checkArguments('close', closing)
      stopWatches.stalls()
      schemaWatch.stop()
      ceiling?.stop()
      await Promise.all([
        listening.close(),
        pool.close(closing),
        replicas.close(closing),
        side.close(),
        hosts.close(),
      ])
      uses.close(new PoolClosedError(name))
      stopWatches.strands()
    },
  }
  if (options.hot) replaceOnReload(options.hot, { database, side, listening })
  return database
}
