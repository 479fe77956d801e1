/** A span as a collector has it. */
export interface ReceivedSpan {
  readonly service: string
  readonly scope: string
  readonly name: string
  readonly kind: string
  readonly traceId: string
  readonly spanId: string
  /** Empty: it has none. */
  readonly parentSpanId: string
  readonly attributes: Record<string, unknown>
  readonly isError: boolean
  /** Since 1970. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly events: readonly string[]
}

/** One series of a metric: a number, or the count, sum and bounds of a histogram. */
export interface ReceivedMetric {
  readonly service: string
  readonly name: string
  readonly unit: string
  readonly attributes: Record<string, unknown>
  readonly value:
    | number
    | { readonly count: number; readonly sum: number; readonly bounds: readonly number[] }
}

interface Value {
  stringValue?: string
  intValue?: number
  doubleValue?: number
  boolValue?: boolean
  arrayValue?: { values: Value[] }
}
type KeyValues = readonly { key: string; value: Value }[]
interface Scoped {
  scope: { name: string }
}
interface SpanMessage {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: KeyValues
  status?: { code?: number }
  startTimeUnixNano: number
  endTimeUnixNano: number
  events: { name: string }[]
}
interface Point {
  attributes: KeyValues
  asInt?: number
  asDouble?: number
  count?: number
  sum?: number
  explicitBounds?: number[]
}
interface MetricMessage {
  name: string
  unit: string
  gauge?: { dataPoints: Point[] }
  sum?: { dataPoints: Point[] }
  histogram?: { dataPoints: Point[] }
}

/** A request of OTLP, decoded. */
export interface Export {
  resourceSpans?: { resource: { attributes: KeyValues }; scopeSpans: (Scoped & { spans: SpanMessage[] })[] }[]
  resourceMetrics?: {
    resource: { attributes: KeyValues }
    scopeMetrics: (Scoped & { metrics: MetricMessage[] })[]
  }[]
}

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const errorStatus = 2

/** The spans of a request. */
export function readSpans({ resourceSpans = [] }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        service: serviceOf(resource.attributes),
        scope: scope.name,
        name: span.name,
        kind: kinds[span.kind] ?? String(span.kind),
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId ?? ''),
        attributes: toObject(span.attributes),
        isError: span.status?.code === errorStatus,
        startedAtMs: span.startTimeUnixNano / 1e6,
        durationMs: (span.endTimeUnixNano - span.startTimeUnixNano) / 1e6,
        events: span.events.map(({ name }) => name),
      })),
    ),
  )
}

/** The series of a request. */
export function readMetrics({ resourceMetrics = [] }: Export): ReceivedMetric[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, unit, gauge, sum, histogram }) =>
        ((gauge ?? sum ?? histogram)?.dataPoints ?? []).map((point) => ({
          service: serviceOf(resource.attributes),
          name,
          unit,
          attributes: toObject(point.attributes),
          value: measured(point),
        })),
      ),
    ),
  )
}

function measured({ asInt, asDouble, count, sum, explicitBounds }: Point): ReceivedMetric['value'] {
  const number = asInt ?? asDouble
  return number ?? { count: count ?? 0, sum: sum ?? 0, bounds: explicitBounds ?? [] }
}

function serviceOf(attributes: KeyValues): string {
  return String(toObject(attributes)['service.name'])
}

function toObject(attributes: KeyValues): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]))
}

function toValue({ stringValue, intValue, doubleValue, boolValue, arrayValue }: Value): unknown {
  return stringValue ?? intValue ?? doubleValue ?? boolValue ?? arrayValue?.values.map(toValue)
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}
