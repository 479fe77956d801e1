/** Notes where statements are built, and runs them as built there. */
export interface BuiltAt<TSite> {
  here(): TSite
  run<T>(site: TSite, fn: () => T): T
}

/** What Drizzle's builders take from a handle to run what they have built. */
interface Session {
  prepareQuery(...args: unknown[]): Prepared
  transaction: Begin
}

type Begin = (fn: (tx: object) => unknown, ...args: unknown[]) => unknown

interface Prepared {
  execute(...args: unknown[]): unknown
}

/**
 * Makes Drizzle's handles note where each statement is built: a builder takes the session off its handle in the very call, and
 * gets one that remembers where that was. Of a version of Drizzle whose handles have no session of that kind nothing is noted.
 */
export function noteWhereBuilt<TArgs extends unknown[], THandle extends object>(
  handleOn: (...args: TArgs) => THandle,
  sites: BuiltAt<unknown>,
): (...args: TArgs) => THandle {
  return (...args) => noting(handleOn(...args), sites)
}

function noting<T extends object>(handle: T, sites: BuiltAt<unknown>): T {
  noteSession(handle, sites)
  const parts = handle as { query?: object; transaction?: Begin }
  for (const table of Object.values(parts.query ?? {})) noteSession(table, sites)
  const transaction = parts.transaction?.bind(handle)
  if (transaction) parts.transaction = (fn, ...args) => transaction((tx) => fn(noting(tx, sites)), ...args)
  return handle
}

function noteSession(owner: unknown, sites: BuiltAt<unknown>): void {
  const session = (owner as { session?: Partial<Session> } | null)?.session
  if (typeof session?.prepareQuery !== 'function' || typeof session.transaction !== 'function') return
  const known = session as Session
  Object.defineProperty(owner, 'session', {
    get: () => sessionAt(known, sites.here(), sites),
    configurable: true,
  })
}

/** A session whose statements run as built at a place. Only these two touch what a session has of its own. */
function sessionAt(session: Session, site: unknown, sites: BuiltAt<unknown>): Session {
  const own: Session = {
    prepareQuery(...args) {
      const prepared = session.prepareQuery(...args)
      const execute = prepared.execute.bind(prepared)
      prepared.execute = (...values) => sites.run(site, () => execute(...values))
      return prepared
    },
    transaction: (...args) => session.transaction(...args),
  }
  return Object.assign(Object.create(session) as Session, own)
}
