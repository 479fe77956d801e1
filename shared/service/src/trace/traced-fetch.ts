import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import { errorCode } from '../log/error-code.ts'
import { instrumentationScope } from './scope.ts'

const headersOf: TextMapSetter<Headers> = { set: (headers, name, value) => headers.set(name, value) }

/**
 * `fetch` in the caller's trace: a span of kind CLIENT, whose ids go along in `traceparent` and `tracestate`. Without an SDK the ids of
 * the request that is being answered go along, where it came with some.
 *
 * @throws What `fetch` throws.
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
 */
export async function tracedFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const isRequest = input instanceof Request
  const method = (init.method ?? (isRequest ? input.method : 'GET')).toUpperCase()
  const { origin, hostname, port, pathname, protocol } = new URL(isRequest ? input.url : input)
  const attributes = {
    'http.request.method': method,
    // Without user and query, which may be secret.
    'url.full': origin + pathname,
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
  const span = trace.getTracer(instrumentationScope).startSpan(method, { kind: SpanKind.CLIENT, attributes })
  const active = trace.setSpan(context.active(), span)
  const headers = new Headers(init.headers ?? (isRequest ? input.headers : undefined))
  propagation.inject(active, headers, headersOf)
  try {
    const response = await context.with(active, () => fetch(input, { ...init, headers }))
    span.setAttribute('http.response.status_code', response.status)
    if (response.status >= 400) fail(span, String(response.status))
    return response
  } catch (error) {
    fail(span, errorCode(error) ?? (error instanceof Error ? error.name : '_OTHER'))
    throw error
  } finally {
    span.end()
  }
}

function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR })
}
