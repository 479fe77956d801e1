import { context, TraceFlags, trace } from '@opentelemetry/api'
import type { CommentTags } from '@shared/database'

/**
 * The `traceparent` of the caller's span, for `comments.perStatement` of `createDatabase`: the server's log then names the trace of a
 * statement. Null where the trace is not recorded: a statement with such a comment is sent unprepared.
 *
 * @see https://google.github.io/sqlcommenter/spec/
 */
export function traceTags(): CommentTags | null {
  const span = trace.getSpanContext(context.active())
  if (span === undefined || (span.traceFlags & TraceFlags.SAMPLED) === 0) return null
  return { traceparent: `00-${span.traceId}-${span.spanId}-01` }
}
