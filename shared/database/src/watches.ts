import { bounded, StatementTimeoutError } from '@shared/pool'
import { readBackendStates, terminateBackends } from './connection/backends.ts'
import type { Hosts } from './connection/hosts/hosts.ts'
import type { SqlConnection } from './connection/sql-connection.ts'
import { StallWatch } from './connection/stall-watch.ts'
import { StrandWatch } from './connection/strand-watch.ts'
import type { Host } from './connection/target.ts'

export interface WatchesOptions {
  /** Silence in ms after which a statement is looked into; 0: never. */
  stallAfterMs: number
  hosts: Pick<Hosts, 'openAt'>
  /** Of all pools. */
  connections: () => Iterable<SqlConnection>
  /** Called for each connection that was found dead. */
  onStalled: (error: StatementTimeoutError) => void
  /** Each settles what nothing else will settle any more, and says how much that was. */
  checks: readonly (() => number)[]
  onStranded: (count: number) => void
}

const askAsideMs = 750
// Half a minute in all, with pauses that double: what takes longer is no hiccup.
const firstPauseMs = 500
const mostEndings = 6

/**
 * Watches what is under way on connections for as long as a database is open.
 *
 * @returns What ends each of the watches: that of strands has a last look to take when everything else is closed.
 */
export function startWatches(options: WatchesOptions): { stalls(): void; strands(): void } {
  const { stallAfterMs, hosts, connections, onStalled, checks, onStranded } = options
  let isStopped = false

  /** Asks one question over a fresh connection: one that exists may be as dead as what is asked about. */
  async function askAside<T>(host: Host, question: (connection: SqlConnection) => Promise<T>): Promise<T> {
    const aside = await hosts.openAt(host, { timeoutMs: askAsideMs })
    try {
      return await bounded(question(aside), askAsideMs)
    } finally {
      void aside.close()
    }
  }

  /** Ends backends whose connections are dead, also where their server can't be asked at the moment. */
  async function endBackends(host: Host, backends: readonly SqlConnection[]): Promise<void> {
    let pauseMs = firstPauseMs
    for (let endings = 1; !isStopped; endings++) {
      try {
        return await askAside(host, (aside) => terminateBackends(aside, backends))
      } catch {
        if (endings >= mostEndings) return
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
        pauseMs *= 2
      }
    }
  }

  const stallWatch = new StallWatch({
    stallAfterMs,
    connections,
    look: (host, pids) => askAside(host, (aside) => readBackendStates(aside, pids)),
    onStalled(stalled) {
      const error = new StatementTimeoutError(stallAfterMs)
      for (const { connection, quietSince } of stalled) {
        onStalled(error)
        connection.giveUp(error, quietSince)
      }
      // What the server holds for them would be held until TCP gives up there too.
      const backends = stalled.map(({ connection }) => connection)
      const [one] = backends
      if (one) void endBackends(one.host, backends)
    },
  })
  if (stallAfterMs > 0) stallWatch.start()
  const strandWatch = new StrandWatch({ checks, onStranded })
  strandWatch.start()
  return {
    stalls() {
      isStopped = true
      stallWatch.stop()
    },
    strands: () => strandWatch.stop(),
  }
}
