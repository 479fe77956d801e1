import type { SqlConnection } from '../connection/sql-connection.ts'
import type { ExclusiveWork } from './exclusive-work.ts'
import type { RunSingle } from './single-statement.ts'

/**
 * Runs statements that stand alone, each on a connection that it has for itself: where something is done with every connection
 * before it is used.
 *
 * @param ready Of a standby, which writes nothing: called with the connection first.
 */
export function createHeldStatements(
  hold: ExclusiveWork['hold'],
  ready?: (connection: SqlConnection) => Promise<void>,
): RunSingle {
  return ({ text }, parameters, values) =>
    hold(async (exclusive) => {
      const run = () => exclusive.run(text, parameters, values)
      if (!ready) return await exclusive.noting(run)
      await ready(exclusive.connection)
      return await run()
    }, 'if-stateful')
}
