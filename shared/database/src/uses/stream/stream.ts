import { ConfigurationError } from '@shared/pool'
import type { RunStatement } from '../../connection/statement.ts'
import type { DrizzleDatabase, DrizzleModel } from '../../drizzle/handle.ts'
import { onHandle, type StreamedQuery, type StreamedRow } from '../../drizzle/streamed-query.ts'
import { cursorHead, fetchText } from '../../session/cursor.ts'
import type { ExclusiveWork } from '../../session/exclusive-work.ts'
import { runTransaction } from '../../session/transaction.ts'
import type { Bounds } from '../../session/work.ts'
import type { Tracer } from '../../tracing/tracer.ts'
import type { Batches } from './batches.ts'
import { type PulledParts, pull } from './pulled.ts'

export interface StreamOptions extends Bounds {
  /** Rows fetched in one round trip; two batches at most are in memory. Default 1 000. */
  batchSize?: number
  /** Longest time in ms that the consumer may want no batch before the stream is given up; Infinity: no limit. Default 60 000. */
  idleTimeoutMs?: number
  /** Whether to read on a standby where `database.reads` would. Default false. */
  reads?: boolean
}

/** Where a stream runs. */
export interface StreamPlace<TModel extends DrizzleModel> {
  readonly hold: ExclusiveWork['hold']
  /** Drizzle over a way to run statements. */
  readonly handleOver: (run: RunStatement) => DrizzleDatabase<TModel>
  /** What makes its transaction read only; null: nothing. */
  readonly opening: string | null
}

export interface StreamParts<TModel extends DrizzleModel> extends PulledParts {
  readonly place: StreamPlace<TModel>
  readonly tracer: Pick<Tracer, 'transaction'>
}

/**
 * The rows of a query as they are asked for, over a cursor in a transaction of its own. It begins with the first `next()`. At the end, at a
 * failure and when the consumer stops the transaction is over or being cancelled, and the connection on its way back.
 */
export function streamRows<TModel extends DrizzleModel, Q extends StreamedQuery>(
  { place, tracer, ...parts }: StreamParts<TModel>,
  query: Q,
  { batchSize = 1_000, idleTimeoutMs = 60_000, timeoutMs, signal }: StreamOptions,
): AsyncIterableIterator<StreamedRow<Q>> {
  type Row = StreamedRow<Q>
  const { take, stop } = pull<readonly Row[]>(
    parts,
    { idleTimeoutMs, timeoutMs, signal },
    (batches, checkoutTimeoutMs) =>
      tracer.transaction((message) =>
        place.hold(
          (exclusive) =>
            runTransaction(exclusive, (scope) => give(scope.run, batches, exclusive.signal), message),
          'if-stateful',
          checkoutTimeoutMs,
        ),
      ),
  )

  async function give(
    run: RunStatement,
    batches: Batches<readonly Row[]>,
    ending?: AbortSignal,
  ): Promise<void> {
    if (place.opening) await run(place.opening, [], false)
    const cursor = createCursor(run, batchSize)
    const fetch = onHandle(query, place.handleOver(cursor.run))
    do {
      const batch = await fetch()
      if (!Array.isArray(batch)) throw notRows()
      await batches.give(batch, ending)
    } while (!cursor.isAtEnd())
  }

  async function* rows(): AsyncGenerator<Row, undefined> {
    try {
      for (let batch = await take(); batch; batch = await take()) yield* batch
    } finally {
      stop()
    }
  }

  const iterator = rows()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => iterator.next(),
    return(value) {
      stop()
      return iterator.return(value)
    },
    throw(error) {
      stop()
      return iterator.throw(error)
    },
  }
}

const isQuery = /^(?:[\s(]|--.*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:select|with|values|table)\b/i

/** Runs a query by opening a cursor for it at first, and by fetching the next batch from then on. */
function createCursor(run: RunStatement, batchSize: number): { run: RunStatement; isAtEnd(): boolean } {
  let isOpen = false
  let isAtEnd = false
  return {
    async run(text, parameters, values) {
      if (!isOpen) {
        if (!isQuery.test(text)) throw notRows()
        await run(cursorHead + text, parameters, false)
        isOpen = true
      }
      const rows = await run(fetchText(batchSize), [], values)
      isAtEnd = rows.length < batchSize
      return rows
    },
    isAtEnd: () => isAtEnd,
  }
}

function notRows(): ConfigurationError {
  return new ConfigurationError(
    'stream() takes a query of rows: SELECT, VALUES, TABLE or WITH, as a builder or sql`…`. Await what gives one result, or writes.',
  )
}
