import type { BackendState } from './backends.ts'
import { isUnreachable } from './connect-error.ts'
import type { SqlConnection } from './sql-connection.ts'
import { type Host, hostName } from './target.ts'

/** A connection found dead. */
export interface Stalled {
  connection: SqlConnection
  /**
   * When its backend was last at work, on performance.now's clock; what was sent later had not arrived by the look.
   * Infinity when that is not known.
   */
  quietSince: number
}

export interface StallWatchOptions {
  /** Silence in ms after which a statement is looked into. */
  stallAfterMs: number
  connections: () => Iterable<SqlConnection>
  /** Asks a server over a fresh connection how it sees these backends; rejects with ConnectError when it can't be asked. */
  look: (host: Host, pids: number[]) => Promise<BackendState[]>
  /** These connections are dead: their statements must be settled. Called once a connection. */
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

/**
 * Finds connections whose statements will never be answered: a statement that has been silent for `stallAfterMs` is looked
 * up in pg_stat_activity over another connection. While the server works on it it is left alone, however long. If the
 * backend is gone, or has nothing to do and still has nothing to say at a second look, or no server can be reached for as
 * long again and nothing has come meanwhile, the connection is lost. TCP alone takes minutes to notice that.
 *
 * Whether its statements have run stays unknown, also of those that the backend had not received by the look: what the
 * network still holds may arrive between a look and the backend's end. A plain read of these can run again all the same.
 */
export class StallWatch {
  readonly #options: StallWatchOptions
  readonly #suspicions = new WeakMap<SqlConnection, Suspicion>()
  readonly #reported = new WeakSet<SqlConnection>()
  /** When the first look began of those that have reached no server since one did, and what had come by then. */
  readonly #unreached = new WeakMap<SqlConnection, { readonly since: number; readonly bytesRead: number }>()
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
    const silent = new Map<string, SqlConnection[]>()
    for (const connection of this.#options.connections()) {
      if (this.#reported.has(connection)) continue
      if (connection.silentForMs(now) < this.#options.stallAfterMs) {
        this.#suspicions.delete(connection)
        this.#unreached.delete(connection)
      } else if ((this.#suspicions.get(connection)?.nextLookAt ?? 0) <= now) {
        const host = hostName(connection.host)
        silent.set(host, [...(silent.get(host) ?? []), connection])
      }
    }
    if (silent.size === 0) return
    this.#isLooking = true
    try {
      await Promise.all([...silent.values()].map((ofOneHost) => this.#examine(ofOneHost)))
    } finally {
      this.#isLooking = false
    }
  }

  /** @param silent Connections to one host. */
  async #examine(silent: readonly SqlConnection[]): Promise<void> {
    const [one] = silent
    if (!one) return
    let states: BackendState[] | null = null
    const now = performance.now()
    for (const connection of silent) {
      const { bytesRead } = connection
      if (!this.#unreached.has(connection)) this.#unreached.set(connection, { since: now, bytesRead })
    }
    try {
      states = await this.#options.look(
        one.host,
        silent.map(({ pid }) => pid),
      )
    } catch (error) {
      // A server that refuses is there, and a password that can't be read now says nothing of it: asked again later.
      if (!isUnreachable(error)) return this.#postpone(silent)
    }
    // Both are lengths of time, so that the clocks need not agree; taken after the answer, it errs on the safe side.
    const lookedAt = performance.now()
    const stalled: Stalled[] = []
    for (const connection of silent) {
      const backend = states?.find(({ pid }) => pid === connection.pid)
      const isStalled = states
        ? this.#isStalled(connection, backend ?? 'gone')
        : this.#isUnreached(connection)
      if (!isStalled) continue
      this.#reported.add(connection)
      stalled.push({ connection, quietSince: lookedAt - quietMsOf(connection, backend) })
    }
    if (stalled.length > 0) this.#options.onStalled(stalled)
  }

  /** What the look says of a connection. */
  #isStalled(connection: SqlConnection, backend: BackendState | 'gone'): boolean {
    this.#unreached.delete(connection)
    if (connection.silentForMs(performance.now()) < this.#options.stallAfterMs) return false
    return backend === 'gone' || this.#isDead(connection, backend)
  }

  /**
   * Whether no server could be reached for long, and nothing has come meanwhile. One look says nothing of a statement that the server
   * was seen to work on.
   */
  #isUnreached(connection: SqlConnection): boolean {
    const { stallAfterMs } = this.#options
    const { bytesRead } = connection
    const now = performance.now()
    const known = this.#unreached.get(connection)
    if (known?.bytesRead !== bytesRead) {
      this.#unreached.set(connection, { since: now, bytesRead })
      return false
    }
    return now - known.since >= stallAfterMs && connection.silentForMs(now) >= 2 * stallAfterMs
  }

  #isDead(connection: SqlConnection, backend: BackendState): boolean {
    if (backend.startedAt !== connection.backendStartedAt) return true
    const before = this.#suspicions.get(connection)
    const { bytesRead } = connection
    // A backend that waits for its client while the client waits for it: what one of them has sent does not arrive.
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

  #postpone(connections: readonly SqlConnection[]): void {
    const now = performance.now()
    for (const connection of connections) {
      this.#unreached.delete(connection)
      const pause = Math.min(connection.silentForMs(now), longestPauseMs)
      this.#suspicions.set(connection, { bytesRead: connection.bytesRead, looks: 0, nextLookAt: now + pause })
    }
  }
}

/** How long the backend has had nothing to do; minus infinity when that is not known. */
function quietMsOf(connection: SqlConnection, backend: BackendState | undefined): number {
  if (!backend?.state?.startsWith('idle') || backend.startedAt !== connection.backendStartedAt)
    return Number.NEGATIVE_INFINITY
  return backend.quietMs
}
