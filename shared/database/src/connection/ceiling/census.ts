import type { SqlConnection } from '../sql-connection.ts'
import type { Sharer } from './share.ts'

/** The first key of the advisory locks that processes announce themselves by: every version must use the same one. */
const lockClass = 1_583_174_029

/** Both numbers have to fit the second key. */
export const mostAnnounced = 32_767

/** What a process says of itself, as the second key of a lock that it shares with processes that say the same. */
export type Announcement = Pick<Sharer, 'claim' | 'demand'>

/** Who shares the role's connections now. */
export interface Census {
  readonly sharers: readonly Sharer[]
  /** Sessions of the role on the server, also those that others have opened. */
  readonly sessions: number
}

const censusText = `
with locks as materialized (
  select pid, objid::int8::int4 as key from pg_locks
  where locktype = 'advisory' and classid = ${lockClass} and objsubid = 2 and granted
), sessions as materialized (
  select pid from pg_stat_activity where usename = session_user and backend_type = 'client backend'
)
select pid, key, (select count(*)::int from sessions) as sessions
from locks where pid in (select pid from sessions)`

/**
 * Announces this process over a connection of its own, and counts who else has. The server forgets an announcement together with
 * the session.
 *
 * @param before What it has announced over the same connection before; null for nothing.
 */
export async function announce(
  connection: SqlConnection,
  now: Announcement,
  before: Announcement | null,
): Promise<Census> {
  const [key, keyBefore] = [keyOf(now), before && keyOf(before)]
  const isNews = key !== keyBefore
  // In one round trip, and never without: between the two the larger one counts.
  const [, , census] = await Promise.all([
    isNews && call(connection, 'pg_advisory_lock_shared', key),
    isNews && keyBefore !== null && call(connection, 'pg_advisory_unlock_shared', keyBefore),
    takeCensus(connection),
  ])
  return census
}

async function takeCensus(connection: SqlConnection): Promise<Census> {
  const rows = (await connection.run(censusText, [], false)) as unknown as {
    pid: number
    key: number
    sessions: number
  }[]
  const sharers = new Map<number, Sharer>()
  for (const { pid, key } of rows) {
    const claim = key & mostAnnounced
    const demand = key >> 15
    const other = sharers.get(pid)
    if (!other || claim > other.claim) sharers.set(pid, { pid, claim, demand })
  }
  return { sharers: [...sharers.values()], sessions: rows[0]?.sessions ?? 0 }
}

async function call(connection: SqlConnection, name: string, key: number): Promise<void> {
  await connection.run(`select ${name}($1::int4, $2::int4)`, [lockClass, key], false)
}

function keyOf({ claim, demand }: Announcement): number {
  return (Math.min(demand, mostAnnounced) << 15) | Math.min(claim, mostAnnounced)
}
