import {
  CheckoutTimeoutError,
  ConfigurationError,
  ConnectError,
  PoolClosedError,
  PoolSaturatedError,
} from '@shared/pool'
import type { Rows, RunStatement, Statement } from '../connection/statement.ts'
import { ConnectionLostError, serverState } from '../errors.ts'
import type { ExclusiveConnection } from '../session/exclusive-connection.ts'
import type { ExclusiveWork } from '../session/exclusive-work.ts'
import { NotReplayedError } from '../session/replayed.ts'
import type { StatementCatalog } from '../session/statement-catalog.ts'
import { runTransaction } from '../session/transaction.ts'
import type { Work } from '../session/work.ts'
import type { Replica, ReplicaSet } from './replica-set.ts'

/** Where reads were run, since the start. */
export interface ReadCounters {
  /** On a standby. */
  standby: number
  /** On the primary, as no standby could take them. */
  primary: number
  /** On the primary after a standby had turned out not to show yet what the context has written. */
  behind: number
  /** On the primary after a standby had failed them. */
  failed: number
}

export interface ReadsOptions {
  /** Null where there are no standbys: the primary takes all. */
  replicas: ReplicaSet | null
  /** What is known of statements on standbys. */
  catalog: StatementCatalog
  work: Work
  primary: { readonly run: RunStatement; readonly hold: ExclusiveWork['hold'] }
}

export interface Reads {
  readonly counters: Readonly<ReadCounters>
  /** Runs a statement of the handle for reads. */
  readonly run: RunStatement
  /** The same, on the primary. */
  readonly runOnPrimary: RunStatement
  /** Holds a connection for a transaction that reads. */
  readonly hold: ExclusiveWork['hold']
  /** Whether a statement of the handle for everything may be run by `run`: it is known to have no effect, and its context knows what it has written. */
  mayRoute(statement: Statement): boolean
}

/**
 * Reads, on a standby where one is near enough, else on the primary. In a context that has written a standby takes a read only
 * when it has replayed that write; it is asked in the packet of the read.
 *
 * A read that a standby does not answer runs once more on the primary: it is known to have had no effect.
 */
export function createReads({ replicas, catalog, work, primary }: ReadsOptions): Reads {
  const counters: ReadCounters = { standby: 0, primary: 0, behind: 0, failed: 0 }

  const pick = (): Replica | null => {
    const writes = work.current()?.writes
    if (!replicas || writes?.isUncertain) return null
    return replicas.pick(writes?.until ?? null, writes?.writtenAt ?? 0)
  }

  const noteFailure = (replica: Replica, error: unknown): void => {
    if (work.current()?.signal?.aborted || !isElsewherePossible(error)) throw error
    const isBehind = error instanceof NotReplayedError
    if (isBehind) replicas?.noteBehind(replica)
    counters[isBehind ? 'behind' : 'failed']++
  }

  /** On the primary what may write must not: there a function of the user's could. */
  const readOnly = (text: string, parameters: readonly unknown[], values: boolean): Promise<Rows> =>
    primary.hold(
      (exclusive) =>
        runTransaction(exclusive, async ({ run }) => {
          await run('set transaction read only', [], false)
          return await run(text, parameters, values)
        }),
      'if-stateful',
    )

  async function readOn(
    replica: Replica,
    statement: Statement,
    parameters: readonly unknown[],
    values: boolean,
    onPrimary: RunStatement,
  ): Promise<Rows> {
    try {
      const rows = await replica.run(statement, parameters, values)
      counters.standby++
      return rows
    } catch (error) {
      noteFailure(replica, error)
      return await onPrimary(statement.text, parameters, values)
    }
  }

  function read(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    pickReplica: () => Replica | null,
  ): Promise<Rows> {
    const statement = catalog.of(text)
    const { kind, effect } = statement
    if (kind !== 'plain' || effect === 'rows') return Promise.reject(notARead())
    const onPrimary = effect === 'none' ? primary.run : readOnly
    const replica = pickReplica()
    if (replica) return readOn(replica, statement, parameters, values, onPrimary)
    counters.primary++
    return onPrimary(text, parameters, values)
  }

  return {
    counters,
    mayRoute: ({ kind, effect }) =>
      kind === 'plain' && effect === 'none' && work.current()?.writes !== undefined,
    run: (text, parameters, values) => read(text, parameters, values, pick),
    runOnPrimary: (text, parameters, values) => read(text, parameters, values, () => null),
    async hold(fn, reset, checkoutTimeoutMs) {
      const replica = pick()
      if (replica) {
        let isBegun = false
        const begin = async (exclusive: ExclusiveConnection) => {
          const until = work.current()?.writes?.until
          const { connection } = exclusive
          if (until && !replica.replayed.isKnown(connection, until))
            await replica.replayed.require(connection, until)
          isBegun = true
          return await fn(exclusive)
        }
        try {
          const result = await replica.hold(begin, reset, checkoutTimeoutMs)
          counters.standby++
          return result
        } catch (error) {
          if (isBegun) throw error
          noteFailure(replica, error)
        }
      } else counters.primary++
      return await primary.hold(fn, reset, checkoutTimeoutMs)
    },
  }
}

/**
 * What a standby alone may say of a read: replaying the primary's log was in its way ("conflict with recovery", 40001 and 40P01), or it
 * has not replayed yet that a table, column, function, type or schema was made.
 */
const standbyFaults = new Set(['40001', '40P01', '42P01', '42703', '42883', '42704', '3F000'])

/** Whether another server may answer what one has not: nothing of the read is left, and the fault is not its own. */
function isElsewherePossible(error: unknown): boolean {
  if (
    error instanceof NotReplayedError ||
    error instanceof ConnectionLostError ||
    error instanceof ConnectError ||
    error instanceof PoolSaturatedError ||
    error instanceof PoolClosedError ||
    error instanceof CheckoutTimeoutError
  )
    return true
  return standbyFaults.has(serverState(error) ?? '')
}

function notARead(): ConfigurationError {
  return new ConfigurationError(
    'database.reads takes SELECT, VALUES, TABLE and WITH that write and lock nothing. Use database.db for this statement.',
  )
}
