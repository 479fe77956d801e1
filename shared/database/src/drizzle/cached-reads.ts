import { isBefore1 } from './config.ts'

/** What decides whether a cache keeps what a query answers. */
interface Keeps {
  strategy(): string
}

interface Session {
  prepareQuery(...given: unknown[]): unknown
}

// Of the parameters of prepareQuery: what the query does, and behind it what $withCache() asked for.
const metadataAt = isBefore1 ? 5 : 4

/**
 * Has selects whose answer the cache keeps run on the primary, also where others may run on a standby: one that has not replayed a
 * write yet would put into the cache again what that write has just invalidated, for everybody.
 */
export function readForCacheOn(primary: object, handle: object, cache: Keeps): void {
  const session = sessionOf(handle)
  const fresh = sessionOf(primary)
  const prepare = session.prepareQuery
  session.prepareQuery = (...given) =>
    isKept(given, cache) ? fresh.prepareQuery(...given) : prepare.apply(session, given)
}

function sessionOf(handle: object): Session {
  return (handle as { session: Session }).session
}

/** As Drizzle's prepared query decides it. */
function isKept(given: readonly unknown[], cache: Keeps): boolean {
  const { type } = (given[metadataAt] ?? {}) as { type?: string }
  if (type !== 'select') return false
  const asked = given[metadataAt + 1] as { enable?: boolean; enabled?: boolean } | undefined
  return asked === undefined ? cache.strategy() === 'all' : (asked.enable ?? asked.enabled) === true
}
