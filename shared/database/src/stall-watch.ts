import { isUnreachable } from './connect-error.ts'
import type { Connection } from './connection.ts'

/** How the server sees a backend. */
export interface BackendState {
  pid: number
  /** As text: only compared. */
  startedAt: string
  state: string | null
  waitEventType: string | null
  /** How long ago in ms it last began or ended something. */
  quietMs: number
}

/**
 * What is known of a dead connection's statements: `unreceived`, the backend was quiet since before the first of them was
 * sent, so none has arrived; `unknown`, they may have run.
 */
export type StallVerdict = 'unreceived' | 'unknown'

export interface Stalled {
  connection: Connection
  verdict: StallVerdict
}

export interface StallWatchOptions {
  /** Silence in ms after which a statement is looked into. */
  stallAfterMs: number
  connections: () => Iterable<Connection>
  /** Asks the server over a fresh connection how it sees these backends; rejects with ConnectError when it can't be asked. */
  look: (pids: number[]) => Promise<BackendState[]>
  /** These connections are dead: their statements must be told. Called once a connection. */
  onStalled: (stalled: readonly Stalled[]) => void
}

/** What earlier looks have found. */
interface Suspicion {
  /** Bytes received until the last look: more of them are a sign of life. */
  bytesRead: number
  looks: number
  nextLookAt: number
}

// Long statements are looked at less and less often, down to twice a minute.
const longestPauseMs = 30_000
const secondLookMs = 200
const clockMarginMs = 1

/**
 * Finds connections whose statements will never be answered: a statement that has been silent for `stallAfterMs` is looked
 * up in pg_stat_activity over another connection. While the server works on it it is left alone, however long. If the
 * backend is gone, or has nothing to do and still has nothing to say at a second look, or no server can be reached for as
 * long again, the connection is lost. TCP alone takes minutes to notice that.
 *
 * The server also knows whether the statements ever reached it: see {@link StallVerdict}.
 */
export class StallWatch {
  readonly #options: StallWatchOptions
  readonly #suspicions = new WeakMap<Connection, Suspicion>()
  readonly #reported = new WeakSet<Connection>()
  #timer: ReturnType<typeof setInterval> | null = null
  #isLooking = false

  constructor(options: StallWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(
      () => void this.#tick(),
      Math.min(secondLookMs, this.#options.stallAfterMs / 4),
    )
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  async #tick(): Promise<void> {
    if (this.#isLooking) return
    const now = performance.now()
    const silent: Connection[] = []
    for (const connection of this.#options.connections()) {
      if (this.#reported.has(connection)) continue
      if (connection.silentForMs(now) < this.#options.stallAfterMs) this.#suspicions.delete(connection)
      else if ((this.#suspicions.get(connection)?.nextLookAt ?? 0) <= now) silent.push(connection)
    }
    if (silent.length === 0) return
    this.#isLooking = true
    try {
      await this.#examine(silent)
    } finally {
      this.#isLooking = false
    }
  }

  async #examine(silent: readonly Connection[]): Promise<void> {
    let states: BackendState[] | null = null
    try {
      states = await this.#options.look(silent.map(({ pid }) => pid))
    } catch (error) {
      // A server that refuses is there, and a password that can't be read now says nothing of it: asked again later.
      if (!isUnreachable(error)) return this.#postpone(silent)
    }
    const stalled: Stalled[] = []
    for (const connection of silent) {
      const verdict = this.#judge(connection, states)
      if (!verdict) continue
      this.#reported.add(connection)
      stalled.push({ connection, verdict })
    }
    if (stalled.length > 0) this.#options.onStalled(stalled)
  }

  /** What the look says of a connection; null while it may be alive. `states` is null when no server could be reached. */
  #judge(connection: Connection, states: readonly BackendState[] | null): StallVerdict | null {
    const silentForMs = connection.silentForMs(performance.now())
    if (silentForMs < this.#options.stallAfterMs) return null
    if (states === null) return silentForMs >= 2 * this.#options.stallAfterMs ? 'unknown' : null
    const backend = states.find(({ pid }) => pid === connection.pid)
    if (!this.#isDead(connection, backend)) return null
    // Both are lengths of time, so that the clocks need not agree; ours is taken later, which errs on the safe side.
    const sentMs = performance.now() - connection.oldestSentAt
    const isUnreceived = backend?.state?.startsWith('idle') && backend.quietMs > sentMs + clockMarginMs
    return isUnreceived ? 'unreceived' : 'unknown'
  }

  #isDead(connection: Connection, backend: BackendState | undefined): boolean {
    if (!backend || backend.startedAt !== connection.backendStartedAt) return true
    const before = this.#suspicions.get(connection)
    const { bytesRead } = connection
    // A backend that waits for its client while the client waits for it: one of them does not hear the other.
    const isWaitingForUs = backend.state?.startsWith('idle') || backend.waitEventType === 'Client'
    const hasProgressed = before !== undefined && before.bytesRead !== bytesRead
    if (!isWaitingForUs || hasProgressed) {
      this.#postpone([connection])
      return false
    }
    const looks = (before?.looks ?? 0) + 1
    // The first look may have come between the server's answer and its arrival.
    if (looks >= 2) return true
    this.#suspicions.set(connection, { bytesRead, looks, nextLookAt: performance.now() + secondLookMs })
    return false
  }

  #postpone(connections: readonly Connection[]): void {
    const now = performance.now()
    for (const connection of connections) {
      const pause = Math.min(connection.silentForMs(now), longestPauseMs)
      this.#suspicions.set(connection, { bytesRead: connection.bytesRead, looks: 0, nextLookAt: now + pause })
    }
  }
}
