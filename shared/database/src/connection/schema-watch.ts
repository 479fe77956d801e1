import { DatabaseError } from '@shared/pool'
import { isMigrating, migrationChannel, releasePlansLock, takePlansLock } from './migration-signal.ts'
import type { SqlConnection } from './sql-connection.ts'
import { hostName } from './target.ts'

export interface SchemaWatchOptions {
  /** How often it looks, in ms. */
  everyMs: number
  /** The server's snapshot before the first plan; null before that. */
  firstSnapshot: () => string | null
  /** Whether there is a connection that could hold plans. */
  isNeeded: () => boolean
  /** Asks a question over a connection outside the pool, one at a time; rejects when it can't be asked. */
  ask: <T>(question: (connection: SqlConnection) => Promise<T>) => Promise<T>
  /** Definitions have changed; `connection` is free to be asked for more. */
  onChanged: (connection: SqlConnection) => Promise<void>
  /** From now on, or no longer, plans may become stale without being noticed in time. */
  onHold: (isHeld: boolean, reason: HoldReason | null) => void
  /** Settles when every statement that was sent until now has been answered. */
  answered: () => Promise<void>
}

/** Why no plans are used: a migration is under way, or the catalog could not be looked at for too long. */
export type HoldReason = 'migrating' | 'blind'

// A look takes at most this share of one of the server's processors: with very many tables it comes less often.
const mostShare = 0.01
// So many looks in a row that failed are no hiccup.
const blindAfterLooks = 5

// Rows of the definitions that a parameter's type can come of, written since a snapshot: columns; types and with them tables,
// views and their names, as each has a row type; functions; schemas. What of temporary tables only their sessions have, what
// of indexes and TRUNCATE nobody has, is left out. They are recognised by the transactions that wrote them: xmin has no index, but
// one pass over pg_attribute with a comparison of integers is cheap, and there is none while no transaction has written.
const lookText = `
with since as materialized (
  select age(pg_snapshot_xmin($1::pg_snapshot)::xid) as age
), changed as (
  select a.xmin from pg_attribute a join pg_class c on c.oid = a.attrelid
  where a.attrelid >= 16384 and age(a.xmin) <= (select age from since)
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and c.relpersistence <> 't'
  union all
  select t.xmin from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where t.oid >= 16384 and age(t.xmin) <= (select age from since) and n.nspname not like 'pg\\_temp\\_%'
  union all
  select p.xmin from pg_proc p where p.oid >= 16384 and age(p.xmin) <= (select age from since)
  union all
  select n.xmin from pg_namespace n
  where n.oid >= 16384 and age(n.xmin) <= (select age from since) and n.nspname not like 'pg\\_%temp\\_%'
)
select
  case when pg_snapshot_xmax(pg_current_snapshot()) > pg_snapshot_xmin($1::pg_snapshot)
    then (select string_agg(distinct xmin::text, ' ') from changed) end as transactions,
  pg_current_snapshot()::text as snapshot,
  (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::float8 as "tookMs"`

/** The first number that no transaction had yet: of `xmin:xmax:…` the second. */
const nextTransaction = (snapshot: string): bigint => BigInt(snapshot.split(':')[1] ?? 0)

interface Look {
  /** Transactions that wrote definitions and were not all visible in the last look's snapshot; null for none. */
  transactions: string | null
  snapshot: string
  /** On the server. */
  tookMs: number
}

/**
 * Notices that definitions have changed, no matter who changed them, so that plans and remembered types do not outlive them: once
 * a second by a look at the catalog, at once when `migrate()` announces it, which waits until no statement from a plan is under
 * way any more. While a migration is under way, and while the catalog can't be looked at, no plans are used at all.
 *
 * What changes between two looks is seen by the second, lost connections included: a look asks for what the snapshot of the
 * one before could not see.
 */
export class SchemaWatch {
  readonly #options: SchemaWatchOptions
  #timer: ReturnType<typeof setTimeout> | null = null
  #isStopped = false
  #looking: Promise<number | null> | null = null
  /** The one behind it, for those who have asked since it began. */
  #next: Promise<number | null> | null = null
  #snapshot: string | null = null
  /** Over which connection that snapshot was taken. */
  #lookedOver: SqlConnection | null = null
  /** What the last look has found: a later one may find it again while an older transaction is running. */
  #seen: ReadonlySet<string> = new Set()
  #lookedAt = performance.now()
  /** The connection that listens for announcements, as far as it can. */
  #listener: SqlConnection | null = null
  /** Whether `migrate()` reaches that connection, and waits for it. */
  #isListening = false
  /** Whether that connection holds the lock that says that plans may be used. */
  #hasLock = false
  /** Until a look has found nobody migrating, and seen what was changed. */
  #isMigrating = false
  #begins = 0
  #held: HoldReason | null = null

  constructor(options: SchemaWatchOptions) {
    this.#options = options
  }

  /** Begins to look, in a moment. Idempotent. */
  start(): void {
    if (!this.#timer) this.#schedule(this.#options.everyMs)
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
  }

  /**
   * Looks at once: this process has changed definitions itself, and what it sends next must not run from a plan of before.
   *
   * @returns Whether it could look.
   */
  async lookNow(): Promise<boolean> {
    return (await this.#look()) !== null
  }

  /** A migration announces that it begins, or that it is over. */
  announce(payload: string): void {
    if (payload !== 'begin') return void this.#look()
    this.#begins++
    this.#isMigrating = true
    this.#hold()
    void this.#acknowledge()
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#tick(), delayMs)
    this.#timer.unref()
  }

  async #tick(): Promise<void> {
    const { everyMs, isNeeded } = this.#options
    const tookMs = (isNeeded() && (await this.#look())) || 0
    this.#schedule(Math.max(everyMs, tookMs / mostShare))
  }

  /**
   * Looks; while another look is under way, once behind it for all who ask meanwhile, as it may not see what they have done.
   *
   * @returns How long in ms the server took for it; null: it could not look.
   */
  #look(): Promise<number | null> {
    if (this.#next) return this.#next
    if (!this.#looking) return this.#begin()
    this.#next = this.#looking.then((tookMs) => {
      this.#next = null
      return tookMs === null ? null : this.#begin()
    })
    return this.#next
  }

  #begin(): Promise<number | null> {
    this.#looking = this.#lookOnce().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  async #lookOnce(): Promise<number | null> {
    let tookMs: number | null = null
    try {
      if (!this.#isStopped) tookMs = await this.#options.ask((connection) => this.#lookOver(connection))
      if (tookMs !== null) this.#lookedAt = performance.now()
    } catch {
      // The next tick tries again: what changes until then is seen by it.
    }
    this.#hold()
    return tookMs
  }

  async #lookOver(connection: SqlConnection): Promise<number> {
    const begins = this.#begins
    const isNew = this.#listener !== connection
    if (isNew) await this.#listen(connection)
    // One that began before it listened was not received.
    const isUnderWay = (isNew || this.#isMigrating) && !(await this.#mayUsePlans(connection))
    this.#snapshot ??= this.#options.firstSnapshot()
    if (this.#snapshot === null) return 0
    const [look] = (await connection.run(lookText, [this.#snapshot], false)) as unknown as [Look]
    const found = new Set(look.transactions?.split(' '))
    const isChanged =
      this.#hasOtherHistory(connection, look.snapshot) ||
      [...found].some((transaction) => !this.#seen.has(transaction))
    if (isChanged) await this.#options.onChanged(connection)
    this.#snapshot = look.snapshot
    this.#lookedOver = connection
    this.#seen = found
    if (begins === this.#begins) this.#isMigrating = isUnderWay
    return look.tookMs
  }

  /**
   * Whether the server may number its transactions otherwise than the one looked at before: what a primary had not sent when it was
   * lost, its successor has not, and gives the same numbers to others.
   */
  #hasOtherHistory({ host, role }: SqlConnection, snapshot: string): boolean {
    const before = this.#lookedOver
    if (before && (hostName(before.host) !== hostName(host) || before.role?.timeline !== role?.timeline))
      return true
    return this.#snapshot !== null && nextTransaction(snapshot) < nextTransaction(this.#snapshot)
  }

  /** Lets the migration go on that has announced itself, once nothing that was sent before runs from a plan. */
  async #acknowledge(): Promise<void> {
    const begins = this.#begins
    await this.#options.answered()
    try {
      await this.#options.ask(async (connection) => {
        const isStillAsked = this.#isMigrating && begins === this.#begins && connection === this.#listener
        if (!isStillAsked || !this.#hasLock) return
        this.#hasLock = false
        await releasePlansLock(connection)
      })
    } catch {
      // The connection is lost, and its lock with it.
    }
  }

  /** Whether no migration is under way; from then on `migrate()` waits for this service. */
  async #mayUsePlans(connection: SqlConnection): Promise<boolean> {
    if (!this.#isListening) return !(await isMigrating(connection))
    if (!this.#hasLock) {
      if (await isMigrating(connection)) return false
      this.#hasLock = await takePlansLock(connection)
      if (!this.#hasLock) return false
    }
    // A migration that begins after this question finds the lock taken.
    if (!(await isMigrating(connection))) return true
    this.#isMigrating = true
    this.#hold()
    void this.#acknowledge()
    return false
  }

  /** LISTENs where that works. */
  async #listen(connection: SqlConnection): Promise<void> {
    this.#isListening = false
    this.#hasLock = false
    // Behind a pooler the next statement may have another session, and this one would be somebody else's.
    if (connection.backendStartedAt !== null) {
      try {
        await connection.run(`listen ${migrationChannel}`, [], true)
        this.#isListening = true
      } catch (error) {
        // A standby refuses; its looks are enough.
        if (error instanceof DatabaseError) throw error
      }
    }
    this.#listener = connection
  }

  #hold(): void {
    const isBlind = performance.now() - this.#lookedAt > blindAfterLooks * this.#options.everyMs
    const reason = this.#isMigrating ? 'migrating' : isBlind ? 'blind' : null
    if (reason === this.#held || this.#isStopped) return
    this.#held = reason
    this.#options.onHold(reason !== null, reason)
  }
}
