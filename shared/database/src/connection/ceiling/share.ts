/** A process among those that share a ceiling, as it has announced itself. */
export interface Sharer {
  /** The process id of the session that it announces itself by. */
  readonly pid: number
  /** Connections that it may have beside that session. */
  readonly claim: number
  /** Connections that it could use. */
  readonly demand: number
}

/**
 * How many of the seats one process may have, so that those who want less than an equal part have what they want and the
 * others have equal parts of the rest (max-min fairness). Every process that knows the same comes to the same result, and
 * all results together are never more than the seats.
 *
 * @param seats Connections that there are for all of them, beside the sessions that they announce themselves by.
 * @returns Null when there is enough for everybody, and nobody has to give anything back.
 */
export function shareOf(pid: number, sharers: readonly Sharer[], seats: number): number | null {
  if (sum(sharers, ({ claim, demand }) => Math.max(claim, demand)) <= seats) return null
  const own = sharers.find((sharer) => sharer.pid === pid)
  if (!own) return 0
  const level = levelOf(sharers.map(wish), Math.max(0, seats))
  if (wish(own) <= level) return wish(own)
  // What is left when everybody is at the level is less than one for each: who has more already keeps it.
  const rest = Math.max(0, seats) - sum(sharers, (sharer) => Math.min(wish(sharer), level))
  const above = sharers
    .filter((sharer) => wish(sharer) > level)
    .sort((a, b) => Number(b.claim > level) - Number(a.claim > level) || a.pid - b.pid)
  return above.indexOf(own) < rest ? level + 1 : level
}

/** A process that has any keeps one: its next caller would wait for others to make room. */
function wish({ claim, demand }: Sharer): number {
  return claim > 0 ? Math.max(1, demand) : demand
}

/** The most that each may have if all have at most as much. */
function levelOf(wishes: readonly number[], seats: number): number {
  let left = seats
  let level = 0
  const rising = [...wishes].sort((a, b) => a - b)
  for (const [index, wished] of rising.entries()) {
    const equal = Math.floor(left / (rising.length - index))
    if (wished > equal) return equal
    level = wished
    left -= wished
  }
  return level
}

function sum<T>(of: readonly T[], count: (one: T) => number): number {
  return of.reduce((total, one) => total + count(one), 0)
}
