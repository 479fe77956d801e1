import { bounded, ConnectError, NoRoomError } from '@shared/pool'
import { serverState } from '../../errors.ts'
import type { OpenOptions, SqlConnection } from '../sql-connection.ts'
import { type Announcement, announce, type Census, mostAnnounced } from './census.ts'
import { shareOf } from './share.ts'

/** What the ceiling needs of the pool. */
export interface CeiledPool {
  /** What the server may hold of it, attempts to connect included. */
  readonly size: number
  /** Connections that it could use, those used within so many ms included. */
  demand(recentMs: number): number
  /** Sets the most connections that it may have. */
  allow(count: number): void
}

export interface SharedCeilingOptions {
  /** Most connections of all processes together, those included that they announce themselves by. */
  limit: number
  pool: CeiledPool
  /** Asks a question over this process's connection outside the pool, one at a time. */
  ask: <T>(question: (connection: SqlConnection) => Promise<T>, timeoutMs?: number) => Promise<T>
  random?: () => number
}

/** A ceiling as one process sees it. */
export interface CeilingStatus {
  /** Most connections of all processes of the role together. */
  limit: number
  /** What they have, or may open without asking again; null before the first look. */
  used: number | null
  /** How many processes share it; null before the first look. */
  processes: number | null
  /** Connections that the pool of this one may have now. */
  allowance: number
  /** Whether somebody wants more than there is, so that each has its share. */
  isReached: boolean
  /** False behind a pooler, where a session can't announce anything. */
  isOn: boolean
}

// Also how long a connection is nobody's to ask for after it was used.
const lookMs = 1_000
const shortestPauseMs = 50

/**
 * A ceiling that the processes of a role share through the server itself. Each announces how many connections it has and how
 * many it could use, by an advisory lock of its session outside the pool, and sees what the others announce. Nobody opens a
 * connection that was not announced before, and where there is not enough, each keeps its share (`shareOf`) and gives back the
 * rest. Nobody waits for anybody, and what a process leaves behind when it dies, the server forgets with its session.
 *
 * Of two that raise their claims at once, the one that looks last sees both: more than there is room for is never kept.
 */
export class SharedCeiling {
  readonly #options: SharedCeilingOptions
  /** Whose session the announcement is in. */
  #speaker: SqlConnection | null = null
  #announced: Announcement | null = null
  /** Connections that the pool may have: never more than it has announced. */
  #allowance = 0
  #census: Census | null = null
  #isReached = false
  #isOn = true
  /** Attempts to connect that may not begin yet. */
  readonly #waiting = new Set<object>()
  #looking: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | null = null
  /** Until the next look; `lookMs` when nothing is left to be had or given back. */
  #pauseMs = lookMs
  #isShort = false
  #isStopped = false

  constructor(options: SharedCeilingOptions) {
    this.#options = options
    options.pool.allow(1)
  }

  get status(): CeilingStatus {
    return {
      limit: this.#options.limit,
      used: this.#census && usedOf(this.#census),
      processes: this.#census?.sharers.length ?? null,
      allowance: this.#allowance,
      isReached: this.#isReached,
      isOn: this.#isOn,
    }
  }

  /**
   * Opens a connection of the pool once there is room for it.
   *
   * @throws {NoRoomError} when there is none, until `allow()` is told of more; ConnectError when the server could not be asked;
   *   and what `open` throws.
   */
  async open<T>(opening: OpenOptions, open: (opening: OpenOptions) => Promise<T>): Promise<T> {
    const deadline = performance.now() + opening.timeoutMs
    if (this.#isOn && !this.#hasRoom(1)) await this.#enter(opening)
    return await open({ ...opening, timeoutMs: Math.max(1, deadline - performance.now()) })
  }

  /** The pool wants another connection and is not allowed it. */
  short(): void {
    if (this.#looking) this.#isShort = true
    else if (this.#pauseMs === lookMs) {
      this.#pauseMs = 0
      this.#schedule()
    }
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
  }

  /** What the server may hold of the pool. */
  get #held(): number {
    return Math.max(0, this.#options.pool.size - this.#waiting.size)
  }

  /** Whether what the pool holds, less `own` that it counts already, leaves room for one more. */
  #hasRoom(own: number): boolean {
    return this.#speaker !== null && !this.#speaker.lost && this.#held - own < this.#allowance
  }

  async #enter({ timeoutMs, signal }: OpenOptions): Promise<void> {
    const attempt = {}
    const leave = () => this.#waiting.delete(attempt)
    this.#waiting.add(attempt)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      // One that is under way knew nothing of this attempt.
      if (this.#looking) await this.#looking.catch(() => {})
      if (!this.#hasRoom(0)) await bounded(this.#look(timeoutMs), timeoutMs)
      signal?.throwIfAborted()
      if (this.#isOn && !this.#hasRoom(0)) throw new NoRoomError()
    } catch (error) {
      if (error instanceof ConnectError || error instanceof NoRoomError || signal?.aborted) throw error
      const message = 'The server could not be asked for room below maxRoleConnections.'
      throw new ConnectError(message, { cause: error, sqlState: serverState(error) })
    } finally {
      leave()
      signal?.removeEventListener('abort', leave)
    }
  }

  #look(timeoutMs?: number): Promise<void> {
    this.#isShort = false
    const { ask, pool } = this.#options
    this.#looking ??= ask((connection) => this.#lookOver(connection), timeoutMs)
      .catch((error: unknown) => {
        this.#pauseMs = lookMs
        this.#isShort = false
        // Whether there is a server is for an attempt to connect to find out, and for the pool to tell its callers.
        pool.allow(Math.max(1, this.#allowance))
        throw error
      })
      .finally(() => {
        this.#looking = null
        if (this.#pauseMs === lookMs && this.#isShort) this.#pauseMs = 0
        this.#schedule()
      })
    return this.#looking
  }

  async #lookOver(connection: SqlConnection): Promise<void> {
    if (connection.backendStartedAt === null) return this.#switchOff()
    const { limit, pool } = this.#options
    if (connection !== this.#speaker) {
      this.#announced = null
      this.#speaker = connection
      // What was announced before is forgotten: what is there is what there may be, until it is announced anew.
      this.#allowance = this.#held
    }
    const before = this.#allowance
    // An attempt that waits is for a caller, though the caller may have been served or gone meanwhile.
    const demand = Math.min(
      Math.max(pool.demand(lookMs), this.#waiting.size && this.#held + 1),
      mostAnnounced,
    )
    let census = await this.#announce(connection, { claim: Math.max(before, this.#held), demand })
    const share = shareOf(connection.pid, census.sharers, seatsOf(census, limit))
    let allowance = share ?? Math.max(this.#held, demand)
    if (allowance > before) {
      census = await this.#announce(connection, { claim: allowance, demand })
      allowance = Math.max(before, allowance - Math.max(0, usedOf(census) - limit))
    }
    this.#allowance = allowance
    pool.allow(allowance)
    const claim = Math.max(allowance, this.#held)
    if (claim !== this.#announced?.claim) census = await this.#announce(connection, { claim, demand })
    this.#census = census
    this.#isReached = share !== null
    this.#pace(before !== allowance, allowance < demand || this.#held > allowance)
  }

  async #announce(connection: SqlConnection, announcement: Announcement): Promise<Census> {
    const census = await announce(connection, announcement, this.#announced)
    this.#announced = announcement
    return census
  }

  /** The more often nothing has come of looking, the later the next look. */
  #pace(hasMoved: boolean, isOpen: boolean): void {
    if (!isOpen) this.#pauseMs = lookMs
    else if (hasMoved || this.#pauseMs === lookMs) this.#pauseMs = shortestPauseMs
    else this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, shortestPauseMs), lookMs - 1)
  }

  #schedule(): void {
    const { pool, random = Math.random } = this.#options
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    // Where nothing is held or wanted, nothing has to be given back.
    const isIdle = pool.size === 0 && this.#announced?.claim === 0 && pool.demand(0) === 0
    if (this.#isStopped || !this.#isOn || isIdle) return
    this.#timer = setTimeout(() => void this.#look().catch(() => {}), this.#pauseMs * (0.5 + random() / 2))
    this.#timer.unref()
  }

  /** Behind a pooler a lock would be anybody's. */
  #switchOff(): void {
    this.#isOn = false
    this.#options.pool.allow(Number.POSITIVE_INFINITY)
  }
}

/** Connections that are announced, each process's own included, or there: whichever is more. */
function usedOf({ sharers, sessions }: Census): number {
  return Math.max(
    sessions,
    sharers.reduce((total, { claim }) => total + claim + 1, 0),
  )
}

/** What there is to share beside the sessions of announcements and those of strangers, as an older version is one. */
function seatsOf(census: Census, limit: number): number {
  const announced = census.sharers.reduce((total, { claim }) => total + claim + 1, 0)
  return limit - census.sharers.length - Math.max(0, census.sessions - announced)
}
