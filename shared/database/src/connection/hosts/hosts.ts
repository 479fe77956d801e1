import { ConnectError } from '@shared/pool'
import { sqlState } from '../../errors.ts'
import type { ConnectionOptions } from '../../options.ts'
import { mismatch, type SessionAttrs, sessionAttrs } from '../server-role.ts'
import type { ConnectionSource, OpenOptions, SqlConnection } from '../sql-connection.ts'
import { type Host, hostName, type Target } from '../target.ts'
import type { HostState, HostWatch, PrimaryChange, WatchSubscriber } from './host-watch.ts'
import { openFirst } from './open-first.ts'
import { watchOf } from './watches.ts'

export interface HostsOptions {
  target: Target
  /** Hosts beside those of the target that are watched too. */
  watched: readonly Host[]
  options: ConnectionOptions
  source: ConnectionSource
  /** Where connections to hosts come from that are not the target's. */
  watchedSource: ConnectionSource
  /** The pool's connections, whatever they are at. */
  connections: () => Iterable<SqlConnection>
  /** Called when another server is the primary, or the first one is known; connections to the one before are being replaced by then. */
  onPrimary: (change: PrimaryChange) => void
  /** Of one host, whether all of its sessions have just been ended. */
  isShutDown: () => Promise<boolean>
  random?: () => number
}

// What has been answered by then has been read, too: a switchover in order loses no answer.
const lastAnswersMs = 200
const replaceEveryMs = 1_000
// A standby that has not answered by then is not waited for while another server is there.
const longestPreferenceMs = 2_000

/**
 * The hosts of one database as its pool sees them: opens connections to the one that is asked for, and replaces those whose
 * server is not it any more. With one host it stands aside.
 */
export class Hosts {
  readonly attrs: SessionAttrs
  readonly #options: HostsOptions
  readonly #subscriber: WatchSubscriber
  /** From the first connection on, where there are several hosts. */
  #watch: HostWatch | null = null
  readonly #closing = new AbortController()
  /** What is opened or given up for nobody of the pool: `close()` waits for it. */
  readonly #aside = new Set<Promise<unknown>>()
  /** Of the attempts under way. */
  readonly #attempts = new Set<AbortController>()
  readonly #openedAt = new WeakMap<SqlConnection, number>()
  /** When connections were last replaced because a write was refused. */
  #replacedAt = Number.NEGATIVE_INFINITY

  constructor(options: HostsOptions) {
    this.#options = options
    this.attrs = sessionAttrs(options.target, options.options)
    this.#subscriber = {
      open: ({ host, ...opening }) => this.openAt(host ?? options.target.hosts[0], opening),
      onPrimary: (change) => this.#primaryChanged(change),
    }
  }

  /** What is known of each host; empty with one host, or as long as nothing was opened. */
  get states(): readonly HostState[] {
    return this.#watch?.states ?? []
  }

  /**
   * Opens a connection to a host that is asked for; throws as `ConnectionSource.open` does, naming every host.
   *
   * @param source Where it comes from. Default: that of the pool.
   */
  async open(opening: OpenOptions, source = this.#options.source): Promise<SqlConnection> {
    this.#start()
    if (this.attrs !== 'prefer-standby') return await this.#openOne(opening, this.attrs, source)
    const { timeoutMs, signal } = opening
    const deadline = performance.now() + timeoutMs
    try {
      if (this.#mayFindStandby) {
        const preferring = { ...opening, timeoutMs: Math.min(timeoutMs, longestPreferenceMs) }
        return await this.#openOne(preferring, 'standby', source)
      }
    } catch (error) {
      if (!(error instanceof ConnectError) || signal?.aborted) throw error
    }
    const leftMs = Math.max(1, deadline - performance.now())
    return await this.#openOne({ ...opening, timeoutMs: leftMs }, 'any', source)
  }

  /** Opens a connection to one host, whatever it is. */
  openAt(host: Host, opening: OpenOptions): Promise<SqlConnection> {
    const { target, source, watchedSource } = this.#options
    const isOwn = target.hosts.some((own) => hostName(own) === hostName(host))
    const { signal } = this.#closing
    const opened = (isOwn ? source : watchedSource).open({ ...opening, host, signal })
    this.#endsAside(opened)
    return opened
  }

  /** What is known of a host; undefined before the first connection. */
  stateOf(host: Host): HostState | undefined {
    return this.#watch?.stateOf(host)
  }

  /** Whether the primary is wanted, and the connection leads to another server. */
  isStale({ host, role }: SqlConnection): boolean {
    const primary = this.#watch?.primary
    if (!primary || !role || !this.#wantsPrimary) return false
    return hostName(host) !== hostName(primary.host) || (role.timeline ?? 0) < primary.timeline
  }

  /** There is a sign of trouble: the hosts are looked at now. */
  urge(): void {
    this.#watch?.urge()
  }

  /**
   * Whether a statement failed because its server takes no writes any more, or was shut down in order: then it had no effect,
   * and another server may take it. Connections to that server are replaced.
   */
  async hasMoved(error: unknown, connection?: SqlConnection): Promise<boolean> {
    const state = sqlState(error)
    if (this.#isClosed || (state !== '25006' && state !== '57P01')) return false
    this.urge()
    if (state === '25006') return this.#replaceReadOnly(connection)
    const watch = this.#watch
    // Who ends a session for another reason (pg_terminate_backend) does not want its statement run again.
    if (!watch) return await this.#options.isShutDown()
    const host = connection?.host ?? watch.primary?.host
    if (!host || (await watch.lookAnew(host))?.role === 'primary') return false
    this.#retire((other) => other.host === host)
    return true
  }

  async close(): Promise<void> {
    const unsubscribed = this.#watch?.unsubscribe(this.#subscriber)
    this.#closing.abort(new Error('The hosts are not used any more.'))
    await Promise.all([unsubscribed, ...this.#aside])
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Whether one of the hosts is a standby or not known well enough. */
  get #mayFindStandby(): boolean {
    return this.#options.target.hosts.some((host) => {
      const role = this.#watch?.stateOf(host)?.role ?? 'unknown'
      return role === 'standby' || role === 'unknown'
    })
  }

  #endsAside(work: Promise<unknown>): void {
    const forget = (): void => void this.#aside.delete(ended)
    const ended: Promise<void> = work.then(forget, forget)
    this.#aside.add(ended)
  }

  /**
   * A server that refuses a write may have become a standby under its connections, also behind one name, which leads to another one
   * now: so all of them are replaced. Not more often than once a second, as a server may be meant to take no writes.
   */
  #replaceReadOnly(connection: SqlConnection | undefined): boolean {
    const now = performance.now()
    if (now - this.#replacedAt >= replaceEveryMs) {
      this.#replacedAt = now
      this.#retire(() => true)
      return true
    }
    return connection === undefined || (this.#openedAt.get(connection) ?? 0) <= this.#replacedAt
  }

  #start(): void {
    if (this.#watch || this.#isClosed) return
    const { target, watched, options } = this.#options
    const hosts = new Map([...target.hosts, ...watched].map((host) => [hostName(host), host]))
    if (hosts.size === 1) return
    const login = [target.user, target.database, target.settings, options.options]
    this.#watch = watchOf([...hosts.values()], login)
    this.#watch.subscribe(this.#subscriber)
  }

  async #openOne(
    opening: OpenOptions,
    attrs: SessionAttrs,
    source: ConnectionSource,
  ): Promise<SqlConnection> {
    const { signal, timeoutMs } = opening
    const deadline = performance.now() + timeoutMs
    for (let leftMs = timeoutMs; ; leftMs = deadline - performance.now()) {
      const overtaken = new AbortController()
      const signals = [overtaken.signal, ...(signal ? [signal] : [])]
      this.#attempts.add(overtaken)
      try {
        const either = { ...opening, timeoutMs: leftMs, signal: AbortSignal.any(signals) }
        const connection = await this.#openFirst(either, attrs, source)
        this.#openedAt.set(connection, performance.now())
        return connection
      } catch (error) {
        if (!overtaken.signal.aborted || signal?.aborted || performance.now() >= deadline) throw error
      } finally {
        this.#attempts.delete(overtaken)
      }
    }
  }

  #openFirst(opening: OpenOptions, attrs: SessionAttrs, source: ConnectionSource): Promise<SqlConnection> {
    return openFirst({
      ...opening,
      hosts: this.#inOrder(attrs),
      open: async (options) => {
        // What it is now, and on which time line, a look says.
        const { pool } = opening
        const onRoleChanged = () => this.urge()
        const opened = await source.open({ ...options, ...(pool !== undefined && { pool }), onRoleChanged })
        if (opened.role) this.#watch?.note(opened.host, opened.role)
        return opened
      },
      onRest: (rest) => this.#endsAside(rest),
      mismatch: ({ role }) => {
        if (!role) return null
        if (this.#watch?.isOldPrimary(role))
          return `is an old primary: its time line ${role.timeline} ended with the promotion of ${this.#primaryName}`
        return mismatch(role, attrs)
      },
    })
  }

  get #wantsPrimary(): boolean {
    return this.attrs === 'read-write' || this.attrs === 'primary'
  }

  /** What is known to be asked for first, and of several such the primary; what is not known next. */
  #inOrder(attrs: SessionAttrs): Host[] {
    const { target, options, random = Math.random } = this.#options
    const hosts = [...target.hosts]
    if (options.loadBalanceHosts === 'random') shuffle(hosts, random)
    const rank = (host: Host): number => {
      const role = this.#watch?.stateOf(host)?.role
      if (role === undefined || role === 'unknown') return 1
      if (role === 'unreachable' || role === 'old-primary') return 2
      const isStandby = role === 'standby'
      if (mismatch({ isStandby, isReadOnly: role === 'read-only', timeline: null }, attrs) !== null) return 2
      return this.#wantsPrimary && hostName(host) !== this.#primaryName ? 1 : 0
    }
    return hosts
      .map((host) => ({ host, rank: rank(host) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ host }) => host)
  }

  #primaryChanged(change: PrimaryChange): void {
    if (change.before) {
      this.#retire((connection) => this.isStale(connection))
      setTimeout(() => this.#giveUpStale(), lastAnswersMs).unref()
      // What they have found out is over: an attempt that waits for a host that is gone must not hold up the next.
      for (const attempt of this.#attempts) attempt.abort(new Error('The primary has changed.'))
    }
    this.#options.onPrimary(change)
  }

  #retire(isLeft: (connection: SqlConnection) => boolean): void {
    for (const connection of this.#options.connections()) if (isLeft(connection)) connection.retire()
  }

  /** What is still under way on a server that is not the primary any more is answered by nobody who counts. */
  #giveUpStale(): void {
    const cause = Object.assign(new Error(`The primary is ${this.#primaryName} now.`), {
      code: 'FAILED_OVER',
    })
    for (const connection of [...this.#options.connections()])
      if (this.isStale(connection) && !connection.lost) connection.giveUp(cause, Number.POSITIVE_INFINITY)
  }

  get #primaryName(): string {
    const primary = this.#watch?.primary
    return primary ? hostName(primary.host) : 'another'
  }
}

/** What the event of a failover says. */
export function describeFailover({ host, timeline, before }: PrimaryChange): string {
  const from = before ? `, before ${hostName(before.host)} on ${before.timeline}` : ''
  return `the primary is ${hostName(host)} on time line ${timeline}${from}`
}

function shuffle<T>(values: T[], random: () => number): void {
  for (let index = values.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[values[index], values[other]] = [values[other] as T, values[index] as T]
  }
}
