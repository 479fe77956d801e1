import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import {
  channels,
  limitText,
  type OperationChannels,
  type StatementMessage,
  type TracedOperation,
  type TransactionMessage,
} from '@shared/database'
import { databaseOf, failureOf, operationOf, returnedRows, serverOf } from './attributes.ts'
import { onEnd } from './subscription.ts'

/** Shorter checkouts, in ms, had a connection at once: a span of each would say nothing. */
const shortestCheckoutMs = 1

/** An operation under way, of which others may be part. */
interface Operation {
  readonly span: Span
  /** The span that was active when it began. */
  readonly under: Span | undefined
}

/**
 * Makes a span of each statement and each transaction, and inside of a trace also of each checkout that waited and each connect
 * that an operation caused.
 *
 * The API can't make a span active in a function that another library calls, so what runs inside of a transaction is found by a
 * store of our own; a span that the program itself has begun in there comes first.
 *
 * @returns Ends it.
 */
export function traceOperations(tracer: Tracer): () => void {
  const operations = new AsyncLocalStorage<Operation>()

  function parent(): Context {
    const active = context.active()
    const operation = operations.getStore()
    return operation !== undefined && trace.getSpan(active) === operation.under
      ? trace.setSpan(active, operation.span)
      : active
  }

  /** A span from `start` to the end of the operation, and the parent of what runs in between. */
  function follow<M extends TracedOperation>(
    channel: OperationChannels<M>,
    start: (message: M, parent: Context) => Span,
    outcomeOf: (message: M) => Attributes,
  ): () => void {
    const spans = new WeakMap<M, Span>()
    channel.start.bindStore(operations, (message) => {
      const span = start(message, parent())
      spans.set(message, span)
      return { span, under: trace.getSpan(context.active()) }
    })
    const end = onEnd(channel, (message) => {
      const span = spans.get(message)
      if (span === undefined) return
      if (span.isRecording()) span.setAttributes(outcomeOf(message))
      if (message.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    return () => {
      channel.start.unbindStore(operations)
      end()
    }
  }

  /** A span that is made when it is over, as only then it is known whether there is something to tell; none outside of a trace. */
  function record(name: string, kind: SpanKind, message: TracedOperation, attributes: Attributes): void {
    const under = parent()
    if (trace.getSpan(under) === undefined) return
    const now = Date.now()
    const startTime = now - (message.durationMs ?? 0)
    const span = tracer.startSpan(
      name,
      { kind, startTime, attributes: { ...databaseOf(message), ...attributes, ...failureOf(message) } },
      under,
    )
    if (message.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(now)
  }

  const stops = [
    follow(channels.statement, (message, under) => startStatement(tracer, message, under), statementOutcome),
    follow(
      channels.transaction,
      (message, under) =>
        tracer.startSpan('transaction', { kind: SpanKind.INTERNAL, attributes: databaseOf(message) }, under),
      transactionOutcome,
    ),
    onEnd(channels.checkout, (message) => {
      const isShort = (message.durationMs ?? 0) < shortestCheckoutMs
      if (isShort && message.error === undefined) return
      record('checkout', SpanKind.INTERNAL, message, { 'db.client.connection.pool.name': message.pool })
    }),
    onEnd(channels.connect, (message) => {
      if (!message.internal) record('connect', SpanKind.CLIENT, message, serverOf(message))
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function startStatement(tracer: Tracer, message: StatementMessage, under: Context): Span {
  const { summary, text } = message
  const attributes = {
    ...databaseOf(message),
    ...serverOf(message),
    ...operationOf(message),
    'db.query.text': limitText(text),
  }
  return tracer.startSpan(summary || 'postgresql', { kind: SpanKind.CLIENT, attributes }, under)
}

function statementOutcome(message: StatementMessage): Attributes {
  const rows = returnedRows(message)
  return {
    ...serverOf(message),
    ...failureOf(message),
    ...(rows !== null && { 'db.response.returned_rows': rows }),
  }
}

/** The conventions have no names for transactions: these are our own. */
function transactionOutcome(message: TransactionMessage): Attributes {
  const { outcome, attempts, isolationLevel } = message
  return {
    ...serverOf(message),
    ...failureOf(message),
    'database_connections.transaction.attempts': attempts,
    ...(outcome !== null && { 'database_connections.transaction.outcome': outcome }),
    ...(isolationLevel !== null && { 'database_connections.transaction.isolation_level': isolationLevel }),
  }
}
