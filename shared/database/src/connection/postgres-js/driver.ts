import { ConfigurationError } from '@shared/pool'
import postgres from 'postgres'
import { serverState } from '../../errors.ts'
import type { ConnectionOptions } from '../../options.ts'
import type { Notice } from '../notice.ts'
import { PoolerWatch } from '../pooler.ts'
import { sessionAttrs } from '../server-role.ts'
import type { SourceListeners, SqlConnection } from '../sql-connection.ts'
import type { Target } from '../target.ts'
import type { TypeCodecs } from '../type-codecs.ts'
import { type ArrayType, addArrayTypes } from './array-types.ts'
import { type Driver, inferredType } from './driver-query.ts'

/** What all physical connections to one target share: where, how, and codecs by reference. */
export interface DriverSource {
  readonly target: Target
  readonly options: ConnectionOptions
  /** Whether it matters what a server is. */
  readonly asksRole: boolean
  /** postgres.js' parsed options. What Drizzle writes into `parsers` and `serializers` holds for every connection. */
  readonly driver: Driver
  /** Oids of the types whose values are written by a caller's own function; null where there are no codecs of callers. */
  readonly ownTypes: ReadonlySet<number> | null
  readonly onNotice: ((notice: Notice) => void) | null
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
  /** Called with what a connection is notified of. */
  readonly onNotify: (payload: string, connection: SqlConnection, channel: string) => void
}

/** Prepares what connections to one target share; opens nothing. */
export function createDriverSource(
  target: Target,
  options: ConnectionOptions,
  { onNotify = () => {}, onPooler, onDefinitionsChanged = () => {}, types = {}, onNotice }: SourceListeners,
): DriverSource {
  // Every key is given: postgres.js fills in what is missing from PG* variables. Its seconds end here, all as "never".
  const client = postgres({
    // Never used: each connection brings its socket.
    host: target.hosts[0].name,
    port: target.hosts[0].port,
    database: target.database,
    user: target.user,
    // The login is made in its place. A function, because an empty text makes it look for PGPASSWORD.
    pass: () => '',
    ssl: false,
    sslnegotiation: null,
    max: 1,
    max_pipeline: 100,
    idle_timeout: null,
    max_lifetime: null,
    connect_timeout: null,
    keep_alive: options.keepAliveMs / 1000,
    backoff: false,
    prepare: options.prepare,
    fetch_types: false,
    debug: false,
    publications: 'alltables',
    // By names of ours: the driver makes each a member of a function, which refuses some.
    types: Object.fromEntries(Object.values(types).map((codec, place) => [`type_${place}`, codec])),
    onnotice: () => {},
  } as Driver)
  refuseOldDriver(client.options)
  const driver = { ...(client.options as Driver), target_session_attrs: null, no_subscribe: true }
  return {
    target,
    options,
    asksRole: target.hosts.length > 1 || sessionAttrs(target, options) !== 'any',
    driver,
    ownTypes: writtenTypes(types),
    onNotice: onNotice ?? null,
    connections: new Set(),
    newestType: 0,
    firstSnapshot: null,
    planEpoch: 0,
    plansHeld: false,
    planOwner: crypto.randomUUID().slice(0, 8),
    poolers: new PoolerWatch({ prepare: options.prepare, onChange: onPooler }),
    onDefinitionsChanged,
    onNotify,
  }
}

/** The types that callers write by functions of their own; null where there are no codecs of theirs. */
function writtenTypes(types: TypeCodecs): ReadonlySet<number> | null {
  const codecs = Object.values(types)
  if (codecs.length === 0) return null
  return new Set(codecs.flatMap(({ to, from = [], serialize }) => (serialize ? [to, ...[from].flat()] : [])))
}

/**
 * Before 3.4.8 postgres.js settles a statement with the first result that comes: that of the BEGIN which travels with it. The version
 * has no other sign than the option that came with it.
 *
 * @throws {ConfigurationError} for such a version.
 */
function refuseOldDriver(parsed: object): void {
  if ('sslnegotiation' in parsed) return
  throw new ConfigurationError(
    'The installed postgres (postgres.js) is older than 3.4.8, whose answers to the first statement of a transaction would be ' +
      'wrong: install postgres 3.4.9.',
  )
}

/** What a client of the driver's needs beside the options that all share. */
export interface ClientEnds {
  /** Called once, when the first statement is sent. */
  socket: () => unknown
  /** Called with each setting that the server reports. */
  onSetting: (name: string, value: string) => void
  /** Called with the payload of what it has LISTENed for, and with the channel. */
  onNotify: (payload: string, channel: string) => void
  /** Called with each notice of the server's, before the answer of the statement that it is about. */
  onNotice: (notice: Notice) => void
}

/** A client of the driver's for one connection; it connects with its first statement. */
export function createClient(
  source: DriverSource,
  { socket, onSetting, onNotify, onNotice }: ClientEnds,
): Driver {
  return postgres({
    ...source.driver,
    socket,
    // Of its own: the driver passes on what differs from what is in there.
    parameters: {},
    onparameter: onSetting,
    onnotice: onNotice,
    onnotify: (channel: string, payload: string) => onNotify(payload, channel),
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
  { driver: { serializers }, ownTypes }: Pick<DriverSource, 'driver' | 'ownTypes'>,
): boolean {
  if (parameters.length >= 65_534) return false
  for (let index = 0; index < parameters.length; index++) {
    const value = parameters[index]
    if (value === null) continue
    // Of a text nothing fails but what a caller makes of it.
    if (typeof value === 'string' && (!ownTypes || (types && !ownTypes.has(types[index] ?? 0)))) continue
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

/** The error of the server that an ErrorResponse holds, of the class and with the fields that the driver's have. */
export function serverErrorOf(body: Buffer): Error {
  const fields: Record<string, string> = {}
  for (const field of body.toString('utf8').split('\0')) {
    const name = errorFields[field.charAt(0)]
    if (name) fields[name] = field.slice(1)
  }
  return new (postgres as Driver).PostgresError(fields)
}

/** @see PostgreSQL, "Error and Notice Message Fields" */
const errorFields: Readonly<Record<string, string>> = {
  S: 'severity_local',
  V: 'severity',
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internal_position',
  q: 'internal_query',
  W: 'where',
  s: 'schema_name',
  t: 'table_name',
  c: 'column_name',
  d: 'data type_name',
  n: 'constraint_name',
  F: 'file',
  L: 'line',
  R: 'routine',
}

export function isServerError(error: unknown): boolean {
  return serverState(error) !== null
}
