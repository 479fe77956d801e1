import { maskStatement } from './mask-statement.ts'

/** A session that keeps others waiting for a lock and waits for none itself, and all that wait behind it. */
export interface Blockage {
  blocker: Blocker
  /** What the first of those behind it wants; null when that was not seen. */
  lock: LockWanted | null
  /** The nearest to the blocker first. */
  waiting: BlockedStatement[]
}

/** Who holds the lock. */
export interface Blocker {
  /** 0: a prepared transaction, which no session has (pg_prepared_xacts). */
  pid: number
  /** The name of its role; null for a prepared transaction, and once it is gone. */
  role: string | null
  /** Its application_name: of a service of this layer the service's name. */
  application: string | null
  /** As in pg_stat_activity; null where this role may not see it. */
  state: string | null
  /** How long its statement has been running, or the transaction idle; null where this role may not see it. */
  ageMs: number | null
  /** How long its transaction has been open; null where this role may not see it. */
  transactionMs: number | null
  /** Its statement, or the last one, without constants; null where this role may not see it. */
  statement: string | null
}

/** A statement that waits for a lock. */
export interface BlockedStatement {
  pid: number
  role: string | null
  application: string | null
  /** How far from the blocker: 1 waits for it, 2 for one that waits for it. */
  depth: number
  /** Those it waits for, in the queue of the lock those before it too. */
  blockedBy: number[]
  /** How long it has waited for this lock. */
  waitedMs: number
  statement: string | null
}

/** A lock as pg_locks has it. */
export interface LockWanted {
  /** `row`, `table`, `advisory`, or pg_locks' name of another kind. */
  kind: string
  mode: string
  /** The table; null where that is not known. */
  relation: string | null
}

/** One session of the lock tree, as the server's answer has it. */
export interface LockRow {
  pid: number
  by: number[]
  role: string | null
  application: string | null
  state: string | null
  ageMs: number | null
  transactionMs: number | null
  waitedMs: number | null
  text: string | null
  /** Of the whole text. */
  length: number | null
  locktype: string | null
  mode: string | null
  relation: string | null
}

/**
 * Common table expressions and the expression that reads them. Only sessions that wait for a lock, 100 of this role at most, and those
 * they wait for are looked into: pg_blocking_pids takes the lock manager's own locks.
 *
 * @see PostgreSQL, "pg_blocking_pids": queued before means blocking too
 */
export const blockageTables = `
chain(pid, by) as (
  (select a.pid, pg_blocking_pids(a.pid) from pg_stat_activity a
    where a.usename = current_user and a.wait_event_type = 'Lock' order by a.query_start limit 100)
  union
  select b.pid, pg_blocking_pids(b.pid) from (select distinct unnest(c.by) as pid from chain c) b
    left join pg_stat_activity s on s.pid = b.pid
    where s.usename is distinct from current_user or s.wait_event_type is distinct from 'Lock'
),
held as materialized (
  select k.pid, k.locktype, k.mode, k.granted, k.relation, k.waitstart from pg_locks k
  where k.pid in (select c.pid from chain c) and (not k.granted or k.locktype = 'tuple')
)`

export const blockageRows = `
(select coalesce(json_agg(l), '[]') from (
  select c.pid, c.by, s.usename as role, s.application_name as application, s.state,
    (extract(epoch from clock_timestamp() - case s.state when 'active' then s.query_start else s.state_change end) * 1000)::float8 as "ageMs",
    (extract(epoch from clock_timestamp() - s.xact_start) * 1000)::float8 as "transactionMs",
    (extract(epoch from clock_timestamp() - w.waitstart) * 1000)::float8 as "waitedMs",
    case when s.state is not null then left(s.query, 10000) end as text, length(s.query) as length,
    w.locktype, w.mode, coalesce(w.relation, t.relation)::regclass::text as relation
  from (select distinct on (pid) pid, by from chain) c
  left join pg_stat_activity s on s.pid = c.pid
  left join lateral (select * from held h where h.pid = c.pid and not h.granted limit 1) w on true
  left join lateral (select h.relation from held h where h.pid = c.pid and h.granted limit 1) t on true
) l)`

const kinds: Readonly<Record<string, string>> = { transactionid: 'row', tuple: 'row', relation: 'table' }

/** Makes trees of what the server answered, the one with the most victims first. */
export function readBlockages(rows: readonly LockRow[]): Blockage[] {
  const known = new Map(rows.map((row) => [row.pid, row]))
  return rows
    .filter(({ by }) => by.length === 0)
    .map((root) => blockageBehind(root, rows, known))
    .filter(({ waiting }) => waiting.length > 0)
    .sort((one, other) => other.waiting.length - one.waiting.length)
}

function blockageBehind(
  root: LockRow,
  rows: readonly LockRow[],
  known: ReadonlyMap<number, LockRow>,
): Blockage {
  const depths = new Map([[root.pid, 0]])
  for (let depth = 1, found = true; found; depth++) {
    const next = rows.filter(
      ({ pid, by }) => !depths.has(pid) && by.some((other) => depths.get(other) === depth - 1),
    )
    for (const { pid } of next) depths.set(pid, depth)
    found = next.length > 0
  }
  const waiting = [...depths]
    .flatMap(([pid, depth]) => {
      const row = known.get(pid)
      return depth === 0 || !row ? [] : [blocked(row, depth)]
    })
    .sort((one, other) => one.depth - other.depth || other.waitedMs - one.waitedMs)
  const first = known.get(waiting[0]?.pid ?? -1)
  const { pid, role, application, state } = root
  return {
    blocker: {
      pid,
      role,
      application: application || null,
      state,
      ageMs: whole(root.ageMs),
      transactionMs: whole(root.transactionMs),
      statement: statementOf(root),
    },
    lock: first?.locktype && first.mode ? lockOf(first.locktype, first.mode, first.relation) : null,
    waiting,
  }
}

function blocked(row: LockRow, depth: number): BlockedStatement {
  const { pid, role, application, by, waitedMs, ageMs } = row
  return {
    pid,
    role,
    application: application || null,
    depth,
    blockedBy: by,
    // The server sets the beginning of a wait a moment after it began.
    waitedMs: whole(waitedMs) ?? whole(ageMs) ?? 0,
    statement: statementOf(row),
  }
}

const statementOf = ({ text, length }: LockRow): string | null =>
  text === null ? null : maskStatement(text, length ?? undefined)

const lockOf = (locktype: string, mode: string, relation: string | null): LockWanted => ({
  kind: kinds[locktype] ?? locktype,
  mode,
  relation,
})

const whole = (ms: number | null): number | null => (ms === null ? null : Math.max(0, Math.round(ms)))

/** How long the one waits that has waited for the longest. */
export function longestBlockedMs({ waiting }: Blockage): number {
  return Math.max(0, ...waiting.map(({ waitedMs }) => waitedMs))
}
