import postgres from 'postgres'
import { serverState } from '../../errors.ts'
import type { ConnectionOptions } from '../../options.ts'
import { PoolerWatch } from '../pooler.ts'
import type { SourceListeners } from '../sql-connection.ts'
import type { Target } from '../target.ts'
import { type ArrayType, addArrayTypes } from './array-types.ts'
import { type Driver, inferredType } from './driver-query.ts'

/** What all physical connections to one target share: where, how, and codecs by reference. */
export interface DriverSource {
  readonly target: Target
  readonly options: ConnectionOptions
  /** postgres.js' parsed options. What Drizzle writes into `parsers` and `serializers` holds for every connection. */
  readonly driver: Driver
  /** Every connection that is not over: each may hold statements. */
  readonly connections: Set<{ settleStranded(): number; answered(): Promise<void> }>
  /** The newest type whose array the codecs know: a connection asks for those made since. */
  newestType: number
  /** The server's snapshot at the first login: no plan is older. */
  firstSnapshot: string | null
  /** Raised when prepared plans turn out to be stale: connections made before are replaced. */
  planEpoch: number
  /** While true nothing runs from a prepared plan: definitions are about to change, or nobody would notice. */
  plansHeld: boolean
  /** Tells the plans of this process from those of others behind a pooler. */
  readonly planOwner: string
  /** What is known of a pooler on the way. */
  readonly poolers: PoolerWatch
  /** Called when definitions have changed. */
  readonly onDefinitionsChanged: () => void
}

/** Prepares what connections to one target share; opens nothing. */
export function createDriverSource(
  target: Target,
  options: ConnectionOptions,
  { onNotify, onPooler, onDefinitionsChanged = () => {} }: SourceListeners,
): DriverSource {
  // Every key is given: postgres.js fills in what is missing from PG* variables. Its seconds end here, all as "never".
  const client = postgres({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    // A function, because an empty text makes it look for PGPASSWORD. Each connection gives its own.
    pass: () => '',
    ssl: false,
    sslnegotiation: null,
    max: 1,
    max_pipeline: 100,
    idle_timeout: null,
    max_lifetime: null,
    connect_timeout: null,
    keep_alive: 60,
    backoff: false,
    prepare: options.prepare,
    fetch_types: false,
    debug: false,
    publications: 'alltables',
    connection: {
      application_name: options.applicationName,
      ...(options.statementTimeoutMs > 0 && { statement_timeout: String(options.statementTimeoutMs) }),
      // A pooler refuses startup parameters that it does not know: the default sends none.
      ...(options.planCacheMode !== 'auto' && { plan_cache_mode: options.planCacheMode }),
    },
    onnotice: () => {},
    ...(onNotify && { onnotify: (_channel: string, payload: string) => onNotify(payload) }),
  } as Driver)
  const driver = { ...(client.options as Driver), target_session_attrs: null, no_subscribe: true }
  return {
    target,
    options,
    driver,
    connections: new Set(),
    newestType: 0,
    firstSnapshot: null,
    planEpoch: 0,
    plansHeld: false,
    planOwner: crypto.randomUUID().slice(0, 8),
    poolers: new PoolerWatch({ prepare: options.prepare, onChange: onPooler }),
    onDefinitionsChanged,
  }
}

/** What a client of the driver's needs beside the options that all share. */
export interface ClientEnds {
  password: string
  /** Called once, when the first statement is sent. */
  socket: () => unknown
  /** Called with each setting that the server reports. */
  onSetting: (name: string, value: string) => void
}

/** A client of the driver's for one connection; it connects with its first statement. */
export function createClient(source: DriverSource, { password, socket, onSetting }: ClientEnds): Driver {
  return postgres({
    ...source.driver,
    // It must not fail: nobody would be informed, and the driver would wait for ever.
    pass: () => password,
    socket,
    // Of its own: the driver passes on what differs from what is in there.
    parameters: {},
    onparameter: onSetting,
  })
}

/** Definitions have changed: plans made until now are not used any more. */
export function definitionsChanged(source: DriverSource): void {
  source.planEpoch++
  source.onDefinitionsChanged()
}

/** Teaches the codecs of every connection the arrays of these types. */
export function learnArrayTypes(source: DriverSource, types: readonly ArrayType[]): void {
  addArrayTypes(source.driver, types)
  for (const { oid } of types) source.newestType = Math.max(source.newestType, oid)
}

/**
 * Whether a statement may be sent behind others. If writing a parameter fails while another statement runs, the driver
 * fails that other one and mistakes every later answer, so whatever might fail waits until nothing is under way.
 */
export function isPipelinable(
  parameters: readonly unknown[],
  types: readonly number[] | null,
  serializers: Record<number, (value: unknown) => unknown>,
): boolean {
  if (parameters.length >= 65_534) return false
  for (let index = 0; index < parameters.length; index++) {
    const value = parameters[index]
    if (value === null || typeof value === 'string') continue
    if (value === undefined || !types) return false
    const serialize = serializers[inferredType(value) || (types[index] ?? 0)]
    // What has no serializer is written as its text, which a number always has.
    if (!serialize && typeof value === 'number') continue
    try {
      if (typeof (serialize ? serialize(value) : `${value}`) !== 'string') return false
    } catch {
      return false
    }
  }
  return true
}

/**
 * Whether a prepared statement may have failed because a definition changed under its plan: surely ("cached plan must not
 * change result type", "does not exist"), or maybe, by a class of errors that a frozen type leads to as well: 22 (the value
 * does not fit the old type), 42 (the old type does not fit the column), XX000 (the type is gone). Null: no.
 */
export function staleness(error: unknown): 'certain' | 'possible' | null {
  const { code, routine } = error as { code: string; routine?: string }
  if (isLostStatement(error) || (code === '0A000' && routine === 'RevalidateCachedQuery')) return 'certain'
  return /^(?:22|42|0A000$|XX000$)/.test(code) ? 'possible' : null
}

/** Whether a prepared statement is not where it was prepared, or another one is there under its name. */
export function isLostStatement(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === '26000' || code === '42P05'
}

export function isCancelCode(error: unknown): boolean {
  return (error as { code?: unknown }).code === '57014'
}

export function isServerError(error: unknown): boolean {
  return serverState(error) !== null
}
