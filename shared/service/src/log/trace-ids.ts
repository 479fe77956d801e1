import { context, isSpanContextValid, trace } from '@opentelemetry/api'

/** The ids that a log line is found by in a tool for traces. */
export interface TraceIds {
  trace_id?: string
  span_id?: string
}

/**
 * The ids of the trace that the caller is part of; empty outside of one.
 *
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 */
export function traceIds(): TraceIds {
  const span = trace.getSpanContext(context.active())
  return span === undefined || !isSpanContextValid(span)
    ? {}
    : { trace_id: span.traceId, span_id: span.spanId }
}
