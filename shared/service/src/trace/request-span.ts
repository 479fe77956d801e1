import {
  type Attributes,
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'
import { limitText } from '@shared/database'
import { registeredSdk } from '@shared/telemetry'
import type { Context, MiddlewareHandler } from 'hono'
import { healthPaths } from '../health/health-routes.ts'
import { toProblem } from '../problem/error-map.ts'
import { methodOf, routeOf } from './request-names.ts'
import { instrumentationScope } from './scope.ts'

const headersOf: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
}

const longestPath = 2_000

/**
 * Runs each request in the trace that its `traceparent` names, as a span of kind SERVER; routes that machines poll are left out.
 *
 * Without an SDK at this time nothing is recorded, and the ids of a valid `traceparent` are those of the request: logs have them,
 * and `tracedFetch` passes them on. An invalid one counts as none (W3C Trace Context, 4.3). A query may hold secrets and a thrown error
 * SQL and parameters: neither is in the span.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function traceRequests(): MiddlewareHandler {
  const sdk = registeredSdk()
  const tracer = trace.getTracer(instrumentationScope)
  const duration = metrics.getMeter(instrumentationScope).createHistogram('http.server.request.duration', {
    description: 'Duration of HTTP server requests.',
    unit: 's',
    advice: {
      explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    },
  })

  return function traceRequests(c, next) {
    if (healthPaths.has(c.req.path)) return next()
    const parent = propagation.extract(ROOT_CONTEXT, c.req.raw.headers, headersOf)
    if (parent === ROOT_CONTEXT && !sdk.traces && !sdk.metrics) return next()
    const start = performance.now()
    const method = methodOf(c)
    const spanName = method === '_OTHER' ? 'HTTP' : method
    const span = tracer.startSpan(spanName, { kind: SpanKind.SERVER }, parent)
    return context.with(trace.setSpan(parent, span), async () => {
      try {
        await next()
      } finally {
        const known: Attributes = { 'http.request.method': method, ...outcomeOf(c) }
        duration.record((performance.now() - start) / 1000, known)
        if (span.isRecording()) describe(span, spanName, c, known)
        span.end()
      }
    })
  }
}

/** What span and metric have in common, of which there are few. */
function outcomeOf(c: Context): Attributes {
  const { status } = c.res
  const route = routeOf(c)
  return {
    'url.scheme': c.req.url.startsWith('https:') ? 'https' : 'http',
    'http.response.status_code': status,
    ...(route !== null && { 'http.route': route }),
    ...(status >= 500 && { 'error.type': c.error ? toProblem(c.error).code : String(status) }),
  }
}

function describe(span: Span, spanName: string, c: Context, known: Attributes): void {
  const { hostname, port } = new URL(c.req.url)
  span.setAttributes({
    ...known,
    'url.path': limitText(c.req.path, longestPath),
    'server.address': hostname,
    ...(port !== '' && { 'server.port': Number(port) }),
  })
  if (known['http.route'] !== undefined) span.updateName(`${spanName} ${known['http.route']}`)
  if (known['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
}
