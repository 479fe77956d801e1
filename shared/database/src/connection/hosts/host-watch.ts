import { bounded } from '@shared/pool'
import { errorCode, sqlState } from '../../errors.ts'
import { formatLsn, type Lsn } from '../lsn.ts'
import type { ServerRole } from '../server-role.ts'
import type { OpenOptions, SqlConnection } from '../sql-connection.ts'
import { type Host, hostName } from '../target.ts'
import { type HostLook, lookAtHost } from './host-look.ts'
import { ReplicationLag } from './replication-lag.ts'

/** What is known of a host. */
export interface HostState {
  readonly host: Host
  /**
   * `primary`: takes writes; `read-only`: a primary that takes none; `standby`; `old-primary`: one whose time line ended with the
   * promotion of another, not used; `unreachable`; `unknown`: not asked yet.
   */
  readonly role: 'primary' | 'read-only' | 'standby' | 'old-primary' | 'unreachable' | 'unknown'
  readonly timeline: number | null
  /** How far in ms a standby is behind. */
  readonly lagMs: number | null
  /** Where its log ends, or until where it has replayed. */
  readonly lsn: Lsn | null
  /** SQLSTATE or driver code of the last look that failed. */
  readonly code: string | null
}

/** The primary has changed: another server, or the same one after a promotion of its own. */
export interface PrimaryChange {
  readonly host: Host
  readonly timeline: number
  /** The one before, if there was one. */
  readonly before: { readonly host: Host; readonly timeline: number } | null
}

/** A pool's interest in the hosts. */
export interface WatchSubscriber {
  open(options: OpenOptions): Promise<SqlConnection>
  onPrimary(change: PrimaryChange): void
}

interface Watched {
  readonly host: Host
  state: HostState
  /** When the last look began. */
  lookedAt: number
  connection: SqlConnection | null
  /** Whose turn it is to open one, counted on with each failure: one subscriber may be let in where another is not. */
  opener: number
  look: Promise<void> | null
  timer: ReturnType<typeof setTimeout> | null
}

const paceMs = 1_000
const urgentPaceMs = 100
/** How long looks go on at the urgent pace after a sign of trouble. */
const urgentForMs = 30_000
const lookMs = 1_000

/**
 * Looks at each host of a cluster over one connection each: what the server is, its time line, how far it is. Once a second, and
 * ten times as often while there is trouble, so that a promotion is noticed when it happens. Nothing here decides who is
 * primary; of two that say so the one with the higher time line is, as a promotion always begins a new one.
 */
export class HostWatch {
  readonly #onUnwatched: () => void
  readonly #hosts: Watched[]
  readonly #subscribers = new Set<WatchSubscriber>()
  readonly #lag = new ReplicationLag()
  readonly #ending = new Set<Promise<unknown>>()
  #primary: { readonly host: Host; readonly timeline: number } | null = null
  #urgentUntil = 0
  /** How many subscribers have left. */
  #departures = 0

  /** @param onUnwatched Called when the last subscriber has left. */
  constructor(hosts: readonly Host[], onUnwatched: () => void = () => {}) {
    this.#onUnwatched = onUnwatched
    this.#hosts = hosts.map((host) => ({
      host,
      state: { host, role: 'unknown', timeline: null, lagMs: null, lsn: null, code: null },
      lookedAt: Number.NEGATIVE_INFINITY,
      connection: null,
      opener: 0,
      look: null,
      timer: null,
    }))
  }

  /** What is known of each host, in the order given. */
  get states(): readonly HostState[] {
    return this.#hosts.map(({ state }) => state)
  }

  /** The primary seen last, also when it can't be reached now. */
  get primary(): { readonly host: Host; readonly timeline: number } | null {
    return this.#primary
  }

  get isWatched(): boolean {
    return this.#subscribers.size > 0
  }

  stateOf(host: Host): HostState | undefined {
    return this.#find(host)?.state
  }

  /** Looks from now on, for as long as anybody does. */
  subscribe(subscriber: WatchSubscriber): void {
    this.#subscribers.add(subscriber)
    if (this.#subscribers.size === 1) for (const watched of this.#hosts) this.#schedule(watched, 0)
  }

  /** Ends a subscription; settles when the connections are closed that nobody needs any more. */
  async unsubscribe(subscriber: WatchSubscriber): Promise<void> {
    if (!this.#subscribers.delete(subscriber)) return
    this.#departures++
    if (!this.isWatched) this.#onUnwatched()
    // Connections were opened with one subscriber's password: another's next look opens its own.
    for (const watched of this.#hosts) {
      this.#drop(watched)
      this.#schedule(watched, 0)
    }
    await Promise.all(this.#ending)
  }

  /** There is a sign of trouble: looks at every host now, and often for a while. */
  urge(): void {
    const now = performance.now()
    this.#urgentUntil = now + urgentForMs
    for (const watched of this.#hosts)
      if (!watched.look) this.#schedule(watched, Math.max(0, watched.lookedAt + urgentPaceMs - now))
  }

  /** Looks at a host anew: what it says then is newer than this call. */
  async lookAnew(host: Host): Promise<HostState | undefined> {
    const watched = this.#find(host)
    if (!watched || !this.isWatched) return watched?.state
    await watched.look
    await this.#lookAt(watched)
    return watched.state
  }

  /** A connection to the host has been opened, or has reported a change. */
  note(host: Host, role: ServerRole, lsn: Lsn | null = null): void {
    const watched = this.#find(host)
    if (watched) this.#learn(watched, { ...role, lsn }, performance.now())
  }

  /** Whether a server is a primary whose time line another's promotion has ended. */
  isOldPrimary({ isStandby, timeline }: ServerRole): boolean {
    return !isStandby && timeline !== null && timeline < (this.#primary?.timeline ?? 0)
  }

  #find(host: Host): Watched | undefined {
    return this.#hosts.find((watched) => hostName(watched.host) === hostName(host))
  }

  #schedule(watched: Watched, afterMs: number): void {
    if (watched.timer) clearTimeout(watched.timer)
    watched.timer = null
    if (!this.isWatched) return
    watched.timer = setTimeout(() => void this.#lookAt(watched), afterMs)
    watched.timer.unref()
  }

  #lookAt(watched: Watched): Promise<void> {
    watched.look ??= this.#look(watched).finally(() => {
      watched.look = null
      this.#schedule(watched, performance.now() < this.#urgentUntil ? urgentPaceMs : paceMs)
    })
    return watched.look
  }

  async #look(watched: Watched): Promise<void> {
    const askedAt = performance.now()
    watched.lookedAt = askedAt
    const departures = this.#departures
    try {
      await this.#ask(watched, askedAt).catch(async (error: unknown) => {
        // That a session has ended says nothing of its host: a fresh one is asked.
        if (sqlState(error) !== '57P01' && !watched.connection?.lost) throw error
        this.#drop(watched)
        await this.#ask(watched, askedAt)
      })
    } catch (error) {
      this.#drop(watched)
      // One that was opened or ended by a subscriber that has left says nothing of its host.
      if (!this.isWatched || departures !== this.#departures) return
      watched.opener++
      const wasPrimary = watched.state.role === 'primary'
      watched.state = { ...watched.state, role: 'unreachable', lagMs: null, code: errorCode(error) }
      if (wasPrimary) this.urge()
    }
  }

  async #ask(watched: Watched, askedAt: number): Promise<void> {
    const connection = await this.#connect(watched)
    const look = await bounded(lookAtHost(connection), lookMs)
    // A subscriber that has left meanwhile has taken its connection with it.
    if (watched.connection === connection) this.#learn(watched, look, askedAt)
  }

  async #connect(watched: Watched): Promise<SqlConnection> {
    if (watched.connection?.lost) this.#drop(watched)
    if (watched.connection) return watched.connection
    const subscriber = [...this.#subscribers][watched.opener % this.#subscribers.size]
    if (!subscriber) throw new Error('Nobody watches.')
    const connection = await subscriber.open({ host: watched.host, timeoutMs: lookMs })
    if (this.#subscribers.has(subscriber)) {
      watched.connection = connection
      return connection
    }
    this.#end(connection)
    throw new Error('Its subscriber has left.')
  }

  #learn(watched: Watched, { isStandby, isReadOnly, timeline, lsn }: HostLook, askedAt: number): void {
    const { host } = watched
    const role = isStandby
      ? 'standby'
      : this.isOldPrimary({ isStandby, isReadOnly, timeline })
        ? 'old-primary'
        : isReadOnly
          ? 'read-only'
          : 'primary'
    const isPrimary = role === 'primary' || role === 'read-only'
    if (isPrimary && lsn !== null) this.#lag.note(lsn, askedAt)
    const replayed = lsn ?? watched.state.lsn
    const lagMs = role === 'standby' && replayed !== null ? this.#lag.of(replayed, performance.now()) : null
    watched.state = { host, role, timeline, lagMs, lsn: replayed, code: null }
    if (role === 'primary') this.#primaryIs(watched, timeline ?? this.#primary?.timeline ?? 0)
  }

  #primaryIs({ host }: Watched, timeline: number): void {
    const before = this.#primary
    if (before?.timeline === timeline) {
      // Several names of one server are no change, nor is a restart.
      if (before.host === host || this.stateOf(before.host)?.role === 'primary') return
    }
    this.#primary = { host, timeline }
    for (const other of this.#hosts)
      if (other.host !== host && other.state.role === 'primary' && (other.state.timeline ?? 0) < timeline)
        other.state = { ...other.state, role: 'old-primary' }
    for (const subscriber of this.#subscribers) subscriber.onPrimary({ host, timeline, before })
  }

  #drop(watched: Watched): void {
    if (watched.connection) this.#end(watched.connection)
    watched.connection = null
  }

  #end(connection: SqlConnection): void {
    const ended = connection.destroy().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }
}

/** The state of a host as a text: `db-2:5432 is a standby, 120 ms behind`. */
export function describeHost({ host, role, timeline, lagMs, lsn, code }: HostState): string {
  const details = [
    timeline === null ? null : `time line ${timeline}`,
    lagMs === null ? null : `${Math.round(lagMs)} ms behind`,
    lsn === null ? null : `at ${formatLsn(lsn)}`,
    code,
  ].filter((detail) => detail !== null)
  return `${hostName(host)} ${role}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}
