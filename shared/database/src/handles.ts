import { ConfigurationError } from '@shared/pool'
import type { RunStatement } from './connection/statement.ts'
import { createDrizzleClient, type DrizzleClient, type RunScope } from './drizzle/client.ts'
import type { DrizzleDatabase, DrizzleModel, MakeHandle } from './drizzle/handle.ts'
import type { ExclusiveConnection } from './session/exclusive-connection.ts'
import type { ExclusiveWork } from './session/exclusive-work.ts'
import { runTransaction, type TransactionScope } from './session/transaction.ts'
import type { TransactionMessage } from './tracing/messages.ts'
import type { Tracer } from './tracing/tracer.ts'

/** Where the statements and transactions of a handle run. */
export interface Place {
  run: RunStatement
  /** Where what a cache keeps is read, if that is elsewhere: on the primary. */
  runForCache?: RunStatement | undefined
  hold: ExclusiveWork['hold']
}

export interface Handles<TModel extends DrizzleModel> {
  /**
   * Drizzle over a pool.
   *
   * @param opening What makes each of its transactions read only. Default: nothing.
   */
  over(place: Place, opening?: string): DrizzleDatabase<TModel>
  /** Drizzle on one connection that is held. */
  on(exclusive: ExclusiveConnection): DrizzleDatabase<TModel>
}

/**
 * Makes Drizzle's handles over the connections of one source.
 *
 * @param handleOn Makes one over a client.
 * @param options The clients' options, with the codecs of the source.
 * @param tracer Publishes its transactions.
 */
export function createDatabaseHandles<TModel extends DrizzleModel>(
  handleOn: MakeHandle<TModel>,
  options: unknown,
  tracer: Tracer,
): Handles<TModel> {
  /** Drizzle's client inside a transaction or a savepoint. */
  function clientIn(scope: TransactionScope): DrizzleClient {
    const savepoint: RunScope = (fn) => scope.savepoint((inner) => fn(clientIn(inner)))
    return createDrizzleClient({ options, run: scope.run, begin: savepoint, savepoint })
  }
  function begin<T>(
    exclusive: ExclusiveConnection,
    fn: (client: DrizzleClient) => Promise<T>,
    message: TransactionMessage | null,
    opening?: string,
  ): Promise<T> {
    const run = async (scope: TransactionScope): Promise<T> => {
      if (opening === undefined) return await fn(clientIn(scope))
      await scope.run(opening, [], false)
      return await fn(clientIn(readOnly(scope)))
    }
    return runTransaction(exclusive, run, message)
  }
  const beginOn =
    (exclusive: ExclusiveConnection): RunScope =>
    (fn) =>
      tracer.transaction((message) => begin(exclusive, fn, message))
  return {
    over({ run, runForCache, hold }, opening) {
      const clientOf = (ownRun: RunStatement) =>
        createDrizzleClient({
          options,
          run: ownRun,
          begin: (fn) =>
            tracer.transaction((message) =>
              hold((exclusive) => begin(exclusive, fn, message, opening), 'if-stateful'),
            ),
          savepoint: () => Promise.reject(outsideTransaction()),
        })
      const routing = runForCache && { primary: clientOf(runForCache), isReadOnly: opening !== undefined }
      return handleOn(clientOf(run), routing)
    },
    on: (exclusive) =>
      handleOn(
        createDrizzleClient({
          options,
          run: (text, parameters, values) => exclusive.run(text, parameters, values),
          begin: beginOn(exclusive),
          savepoint: beginOn(exclusive),
        }),
      ),
  }
}

// The server allows it up to the first query.
const asksForWrites = /^\s*set\b.*(?:\bread\s+write\b|\btransaction_read_only\b)/is

/** A transaction that can't be made one that writes: on the primary, where there is no standby, it could write. */
function readOnly({ run, savepoint }: TransactionScope): TransactionScope {
  return {
    run: (text, parameters, values) =>
      asksForWrites.test(text) ? Promise.reject(notReadOnly()) : run(text, parameters, values),
    savepoint: (fn) => savepoint((inner) => fn(readOnly(inner))),
  }
}

function notReadOnly(): ConfigurationError {
  return new ConfigurationError(
    'A transaction of database.reads is read only. Use database.db.transaction() to write.',
  )
}

function outsideTransaction(): ConfigurationError {
  return new ConfigurationError('A savepoint needs a transaction: use db.transaction() and tx.transaction().')
}
