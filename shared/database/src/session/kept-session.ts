import { bounded, deferred } from '@shared/pool'
import type { SqlConnection } from '../connection/sql-connection.ts'
import type { ExclusiveConnection } from './exclusive-connection.ts'

export interface KeptSessionsOptions {
  /** Asks a question over a connection outside the pool, which leads to the same place; rejects when it can't be asked. */
  askAside: <T>(question: (connection: SqlConnection) => Promise<T>) => Promise<T>
}

const processText = 'select pg_backend_pid() as pid'
// So that a pooler which hands out the session that came back last, or the one before all others, gives one of the two another.
const turns = ['mine', 'others', 'others', 'mine', 'mine', 'others'] as const
const hearMs = 1_000

/**
 * Finds out whether a connection keeps its session of the server's between transactions: it does unless a pooler stands
 * between that hands sessions out for a transaction each.
 *
 * As long as nobody else wants the session, a client's own statements look the same with either kind of pooler. Proof is a
 * notification that comes while the client has nothing under way: the server sends it to the session, and a pooler can pass
 * it on only if that session is kept for this client (PgBouncer drops it otherwise). LISTEN itself would be left on a session
 * of somebody else's, so first two connections take turns: of most poolers in transaction mode that shows enough.
 */
export class KeptSessions {
  readonly #options: KeptSessionsOptions
  /** What each connection waits for. */
  readonly #expected = new Map<SqlConnection, { payload: string; heard: () => void }>()

  constructor(options: KeptSessionsOptions) {
    this.#options = options
  }

  /** A connection was notified. */
  notified(payload: string, connection: SqlConnection): void {
    const expected = this.#expected.get(connection)
    if (expected?.payload === payload) expected.heard()
  }

  /**
   * Whether this connection keeps its session. Nothing else may be under way on it.
   *
   * @throws what a statement throws, and what asking over the other connection does.
   */
  async keepsSession(exclusive: ExclusiveConnection): Promise<boolean> {
    if (exclusive.connection.backendStartedAt !== null) return true
    return !(await this.#changesSession(exclusive)) && (await this.#isToldWhileIdle(exclusive))
  }

  async #changesSession(exclusive: ExclusiveConnection): Promise<boolean> {
    // By its text: a caller may have a codec of its own for numbers.
    const seen = { mine: new Set<string>(), others: new Set<string>() }
    for (const turn of turns) {
      const rows = await (turn === 'mine'
        ? exclusive.run(processText, [], false)
        : this.#options.askAside((aside) => aside.run(processText, [], false)))
      seen[turn].add(String((rows[0] as { pid: unknown }).pid))
    }
    return seen.mine.size > 1 || seen.others.size > 1 || [...seen.mine].every((pid) => seen.others.has(pid))
  }

  async #isToldWhileIdle(exclusive: ExclusiveConnection): Promise<boolean> {
    const payload = crypto.randomUUID()
    const channel = `session_${payload.replaceAll('-', '')}`
    const { promise, resolve: heard } = deferred<void>()
    await exclusive.run(`listen ${channel}`, [], true)
    this.#expected.set(exclusive.connection, { payload, heard })
    try {
      const notifyText = `select pg_notify('${channel}', '${payload}')`
      await this.#options.askAside((aside) => aside.run(notifyText, [], true))
      return await bounded(promise, hearMs).then(
        () => true,
        () => false,
      )
    } finally {
      this.#expected.delete(exclusive.connection)
      await exclusive.run(`unlisten ${channel}`, [], true)
    }
  }
}
