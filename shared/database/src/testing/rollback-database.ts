import { ConfigurationError, ConnectError } from '@shared/pool'
import { createPostgresSource } from '../connection/postgres-js/index.ts'
import type { CreateSource } from '../connection/sql-connection.ts'
import { composeDatabase } from '../database.ts'
import type { Database, DatabaseOptions } from '../database-api.ts'
import type { DrizzleModel, NoModel } from '../drizzle/handle.ts'
import { inTransaction, overlaid } from './rollback-connection.ts'

/**
 * Makes a database for one test: everything that is done with it happens in one transaction, which `close()` rolls back.
 * Transactions are savepoints of it. It has one connection, so that transactions wait for each other.
 *
 * What can't be had in it is refused by name: an isolation level other than read committed, replicas, LISTEN, VACUUM and whatever
 * else the server refuses inside a transaction. And it shows less than a real one: nobody else sees what it writes, `now()`
 * stands still, deferred constraints are not checked, notifications are not sent, and sequences keep what they have given.
 *
 * @param options As those of `createDatabase()`; the pool's size is 1.
 * @throws {ConfigurationError} as `createDatabase` does, and for `replicas`.
 */
export function createRollbackDatabase<TModel extends DrizzleModel = NoModel>(
  options: DatabaseOptions<TModel>,
): Database<TModel> {
  if (options.replicas)
    throw new ConfigurationError(
      'Option replicas has no use in a test that is rolled back: a standby never sees what it writes.',
    )
  return composeDatabase(
    {
      ...options,
      pool: {
        ...options.pool,
        poolSize: 1,
        maxOverflow: 0,
        sharedDepth: 1,
        prePing: false,
        idleTimeoutMs: Number.POSITIVE_INFINITY,
        recycleMs: Number.POSITIVE_INFINITY,
      },
      connection: { ...options.connection, maxRoleConnections: 0, definitionsCheckMs: 0 },
    },
    rollbackSources(),
  )
}

/** The first source is the pool's; the others ask about the server, outside of the transaction. */
function rollbackSources(): CreateSource {
  let isFirst = true
  return (...given) => {
    const source = createPostgresSource(...given)
    if (!isFirst) return source
    isFirst = false
    let isOpened = false
    const open = source.open.bind(source)
    return overlaid(source, {
      async open(opening) {
        if (isOpened) throw lostTransaction()
        const connection = await open(opening)
        isOpened = true
        return await inTransaction(connection)
      },
    })
  }
}

function lostTransaction(): ConnectError {
  return new ConnectError(
    "The test's transaction has ended with its connection, and what was written in it is undone. Await every statement; test the loss of connections with createTestDatabase().",
    { retryable: false },
  )
}
