import {
  bounded,
  ConnectError,
  type Deferred,
  deferred,
  PoolClosedError,
  StatementTimeoutError,
  startTimer,
  WorkAbortedError,
} from '@shared/pool'
import type { OpenOptions, SqlConnection } from '../../connection/sql-connection.ts'
import { PoolerModeError } from '../../errors.ts'
import type { DatabaseEventType } from '../../event-log.ts'
import { Backlog, type BacklogOptions } from './backlog.ts'
import { quoted } from './channel.ts'

export interface ListenerOptions {
  /** The pool's name, for the error after `close()`. */
  readonly name: string
  readonly open: (options: OpenOptions) => Promise<SqlConnection>
  /** Whether a connection leads to a server that is not the one to listen to any more. */
  readonly isStale: (connection: SqlConnection) => boolean
  /** Whether a connection keeps its session of the server's. */
  readonly keepsSession: (connection: SqlConnection) => Promise<boolean>
  readonly connectTimeoutMs: number
  readonly record: (type: DatabaseEventType, error?: unknown, detail?: string) => void
}

/** One handler of one channel. */
interface Subscriber {
  readonly channel: string
  readonly backlog: Backlog
  /** Settles when the server has begun to send, or when it is known that it can't. */
  readonly ready: Deferred<void>
  /** Whether the server has begun to send at some time. */
  hasBegun: boolean
  /** Whether it may have missed something that it does not know of yet. */
  mayHaveMissed: boolean
}

const firstPauseMs = 50
const longestPauseMs = 5_000
/** Silence after which the server is asked whether it is there, and how long it may take to answer. */
const pingEveryMs = 2_500
const answerMs = 2_000

/**
 * One connection for all channels of a database. It is opened with the first subscriber and closed after the last; when it is lost, goes
 * silent or leads to a server that is not the primary any more, another one is opened, as often as it takes, and every subscriber is called
 * with the place in its order at which notifications may be missing.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  readonly #closing = new AbortController()
  #connection: SqlConnection | null = null
  /** Channels that the server sends on the connection. */
  #active = new Set<string>()
  /** Settles when there is something to look at. */
  #news = deferred<void>()
  #running: Promise<void> | null = null
  #lastError: unknown = null
  /** Settles when the server has let go of connections given up before. */
  #ended: Promise<unknown> = Promise.resolve()

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /**
   * Adds a handler; settles when the server has begun to send.
   *
   * @returns What removes it: no call begins after that.
   */
  async add(
    channel: string,
    options: BacklogOptions,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<() => void> {
    if (signal?.aborted) throw new WorkAbortedError(signal.reason)
    this.#closing.signal.throwIfAborted()
    const subscriber: Subscriber = {
      channel,
      backlog: new Backlog(options),
      ready: deferred(),
      hasBegun: false,
      mayHaveMissed: false,
    }
    const { reject, promise } = subscriber.ready
    promise.catch(() => {})
    const remove = () => this.#remove(subscriber)
    const abort = () => {
      remove()
      reject(new WorkAbortedError(signal?.reason))
    }
    signal?.addEventListener('abort', abort, { once: true })
    const ofChannel = this.#subscribers.get(channel) ?? new Set()
    this.#subscribers.set(channel, ofChannel.add(subscriber))
    const stopTimer = startTimer(timeoutMs, () =>
      reject(this.#lastError ?? new StatementTimeoutError(timeoutMs)),
    )
    this.#running ??= this.#run()
    this.#wake()
    try {
      await promise
      return () => {
        signal?.removeEventListener('abort', abort)
        remove()
      }
    } catch (error) {
      signal?.removeEventListener('abort', abort)
      remove()
      throw error
    } finally {
      stopTimer()
    }
  }

  /** The connection was notified. */
  notified(channel: string, payload: string, connection: SqlConnection): void {
    if (connection !== this.#connection) return
    for (const subscriber of this.#subscribers.get(channel) ?? []) {
      this.#begin(subscriber)
      subscriber.backlog.notified(payload)
    }
  }

  /** Another server may be the primary. */
  follow(): void {
    this.#wake()
  }

  /** Ends each subscription that has begun. */
  endAll(): void {
    for (const subscriber of [...this.#all()]) if (subscriber.hasBegun) this.#remove(subscriber)
  }

  async close(): Promise<void> {
    const reason = new PoolClosedError(this.#options.name)
    this.#closing.abort(reason)
    for (const subscriber of this.#all()) {
      subscriber.ready.reject(reason)
      subscriber.backlog.end()
    }
    this.#subscribers.clear()
    this.#wake()
    await this.#running
    await this.#ended
  }

  *#all(): Generator<Subscriber> {
    for (const ofChannel of this.#subscribers.values()) yield* ofChannel
  }

  #remove(subscriber: Subscriber): void {
    subscriber.backlog.end()
    const ofChannel = this.#subscribers.get(subscriber.channel)
    if (!ofChannel?.delete(subscriber)) return
    if (ofChannel.size === 0) this.#subscribers.delete(subscriber.channel)
    this.#wake()
  }

  #wake(): void {
    this.#news.resolve()
  }

  /** The server sends what the subscriber is for. */
  #begin(subscriber: Subscriber): void {
    subscriber.hasBegun = true
    if (subscriber.mayHaveMissed) subscriber.backlog.missed()
    subscriber.mayHaveMissed = false
    subscriber.ready.resolve()
  }

  /** Listens until there is nothing left to listen to. */
  async #run(): Promise<void> {
    for (let failures = 0; this.#subscribers.size > 0; ) {
      try {
        await this.#open()
        await this.#serve(() => {
          failures = 0
        })
      } catch (error) {
        this.#failed(error)
        if (this.#subscribers.size === 0) break
        this.#news = deferred()
        const pauseMs = Math.min(firstPauseMs * 2 ** failures++, longestPauseMs)
        await this.#newsWithin(pauseMs * (0.5 + Math.random() / 2))
      }
    }
    this.#running = null
  }

  async #open(): Promise<void> {
    const { open, keepsSession, connectTimeoutMs } = this.#options
    const connection = await open({
      timeoutMs: connectTimeoutMs,
      signal: this.#closing.signal,
      onLost: (cause) => {
        this.#lastError = cause
        this.#wake()
      },
    })
    this.#connection = connection
    this.#active = new Set()
    // Behind a pooler in transaction mode LISTEN would be left on a session of somebody else's, and nothing would arrive.
    if (connection.backendStartedAt === null && !(await bounded(keepsSession(connection), connectTimeoutMs)))
      throw noSession()
  }

  async #serve(onBegun: () => void): Promise<void> {
    const connection = this.#connection as SqlConnection
    for (;;) {
      this.#news = deferred()
      if (connection.lost) throw this.#lastError ?? new Error('The connection was lost.')
      if (this.#options.isStale(connection)) throw new Error('Another server is the primary.')
      await this.#update(connection)
      if (this.#subscribers.size === 0) return await this.#leave(connection)
      onBegun()
      this.#lastError = null
      const { bytesRead } = connection
      if (await this.#newsWithin(pingEveryMs)) continue
      // What has arrived since shows that the server is there.
      if (connection.bytesRead === bytesRead) await connection.ping(answerMs)
    }
  }

  /** Makes the server send what there are subscribers for, and nothing else. */
  async #update(connection: SqlConnection): Promise<void> {
    const wanted = new Set(this.#subscribers.keys())
    const texts = [
      ...difference(wanted, this.#active).map((channel) => `listen ${quoted(channel)}`),
      ...difference(this.#active, wanted).map((channel) => `unlisten ${quoted(channel)}`),
    ]
    const isRestored = this.#active.size === 0 && [...this.#all()].some(({ hasBegun }) => hasBegun)
    if (texts.length > 0) await bounded(connection.run(texts.join('; '), [], true), answerMs)
    this.#active = wanted
    for (const subscriber of this.#all()) if (wanted.has(subscriber.channel)) this.#begin(subscriber)
    if (isRestored) this.#options.record('listen-restored', undefined, `${wanted.size} channels`)
  }

  async #leave(connection: SqlConnection): Promise<void> {
    this.#connection = null
    await connection.close()
  }

  /** There is no connection: who has listened may miss something from now on, who has not may never. */
  #failed(error: unknown): void {
    const lost = this.#connection
    this.#connection = null
    this.#lastError = error
    if (lost) this.#ended = Promise.all([this.#ended, lost.destroy()])
    const isFinal = error instanceof PoolerModeError || (error instanceof ConnectError && !error.retryable)
    let wasListening = false
    for (const subscriber of this.#all()) {
      if (subscriber.hasBegun) {
        wasListening ||= !subscriber.mayHaveMissed
        subscriber.mayHaveMissed = true
      } else if (isFinal) subscriber.ready.reject(error)
    }
    if (wasListening) this.#options.record('listen-lost', error)
  }

  /** Whether there is something to look at before the time is over. */
  async #newsWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>()
    const stopTimer = startTimer(ms, () => resolve(false))
    void this.#news.promise.then(() => resolve(true))
    try {
      return await promise
    } finally {
      stopTimer()
    }
  }
}

/** Those of the first that the second has not. */
function difference(of: ReadonlySet<string>, without: ReadonlySet<string>): string[] {
  return [...of].filter((channel) => !without.has(channel))
}

function noSession(): PoolerModeError {
  return new PoolerModeError(
    'A pooler stands before the server that keeps no session for a client, so that LISTEN would reach nobody. Set directUrl of the ' +
      "database to the server's own address, or have the pooler keep the sessions of this role (pool_mode = session).",
  )
}
