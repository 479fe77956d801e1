import { ConfigurationError } from '@shared/pool'
import { Hosts } from '../../connection/hosts/hosts.ts'
import type { ConnectionSource, CreateSource } from '../../connection/sql-connection.ts'
import type { Target } from '../../connection/target.ts'
import type { DatabaseEventType } from '../../event-log.ts'
import type { ConnectionOptions } from '../../options.ts'
import { ExclusiveConnection } from '../../session/exclusive-connection.ts'
import type { KeptSessions } from '../../session/kept-session.ts'
import { StatementCatalog } from '../../session/statement-catalog.ts'
import { Work } from '../../session/work.ts'
import type { Tracer } from '../../tracing/tracer.ts'
import { checkChannel } from './channel.ts'
import { Listener } from './listener.ts'

export interface ListenOptions {
  /** Called where notifications may be missing in the order of calls, as the connection was another one before: look at what they are about. */
  onReconnected?: () => unknown
  /** Called where notifications were dropped, as `maxBacklog` waited already, with how many. */
  onOverflow?: (dropped: number) => unknown
  /** Called with what a handler has thrown or rejected with; the event `handler-failed` is recorded in any case. */
  onError?: (error: unknown) => void
  /** Most notifications that wait while the handler is at one before. Default 1 000. */
  maxBacklog?: number
  /** Ends the subscription. */
  signal?: AbortSignal
  /** Longest time in ms until the server has begun to send. Default `connectTimeoutMs`. */
  timeoutMs?: number
}

/** A handler that is called with what comes over a channel. */
export interface Subscription extends AsyncDisposable {
  readonly channel: string
  /** Ends it: no call begins any more. */
  unlisten(): Promise<void>
}

export interface ListeningParts {
  readonly name: string
  /** Where the pool's connections lead. */
  readonly target: Target
  /** Where the server itself is, past a pooler; null: at `target`. */
  readonly direct: Target | null
  readonly connection: ConnectionOptions
  readonly createSource: CreateSource
  readonly hosts: Hosts
  readonly keptSessions: KeptSessions
  readonly work: Work
  readonly tracer: Tracer
  readonly record: (type: DatabaseEventType, error?: unknown, detail?: string) => void
}

export interface Listening {
  listen(channel: string, handle: (payload: string) => unknown, options: ListenOptions): Promise<Subscription>
  /** Another server may be the primary. */
  follow(): void
  /** Ends each subscription that has begun. */
  endAll(): void
  close(): Promise<void>
}

/** LISTEN for a database, over one connection beside its pool; opens nothing until something is listened to. */
export function createListening(parts: ListeningParts): Listening {
  const { name, direct, connection, keptSessions, work, record } = parts
  const source = parts.createSource(
    direct ?? parts.target,
    { ...connection, applicationName: `${name} listen` },
    {
      onNotify(payload, notified, channel) {
        keptSessions.notified(payload, notified)
        listener.notified(channel, payload, notified)
      },
    },
  )
  const ownHosts = direct && hostsOf(direct, connection, source, () => listener.follow())
  const hosts = ownHosts ?? parts.hosts
  // It has no bounds of a caller's: the first caller does not decide how long all others may listen.
  const aside = { catalog: new StatementCatalog(), work: new Work({ followsWrites: false, database: name }) }
  const listener: Listener = new Listener({
    name,
    open: (opening) => hosts.open(opening, source),
    isStale: (opened) => hosts.isStale(opened),
    keepsSession: (opened) =>
      keptSessions.keepsSession(new ExclusiveConnection(opened, aside.catalog, aside.work, parts.tracer)),
    connectTimeoutMs: connection.connectTimeoutMs,
    record,
  })
  return {
    async listen(channel, handle, options) {
      checkChannel(channel, 'listen')
      if (typeof handle !== 'function')
        throw new ConfigurationError(`The handler of listen() must be a function, got ${typeof handle}.`)
      const { maxBacklog = 1_000, timeoutMs = connection.connectTimeoutMs, signal } = options
      const subscriber = {
        handle,
        onReconnected: options.onReconnected,
        onOverflow: options.onOverflow,
        maxBacklog,
        onFailed(error: unknown) {
          record('handler-failed', error)
          options.onError?.(error)
        },
        onFull: () => record('notifications-dropped', undefined, `${maxBacklog} wait for their handler`),
      }
      const remove = await work.outside(() => listener.add(channel, subscriber, timeoutMs, signal))
      const unlisten = async () => remove()
      return { channel, unlisten, [Symbol.asyncDispose]: unlisten }
    },
    follow: () => listener.follow(),
    endAll: () => listener.endAll(),
    async close() {
      await listener.close()
      await ownHosts?.close()
    },
  }
}

/** The hosts of an address that the pool does not lead to. */
function hostsOf(
  target: Target,
  options: ConnectionOptions,
  source: ConnectionSource,
  onPrimary: () => void,
): Hosts {
  return new Hosts({
    target,
    watched: [],
    options,
    source,
    watchedSource: source,
    connections: () => [],
    onPrimary,
    isShutDown: async () => false,
  })
}
