import root from 'otlp-transformer-0.57/build/src/generated/root.js'
import {
  type Export,
  type ReceivedMetric,
  type ReceivedSpan,
  readMetrics,
  readSpans,
} from './otlp-messages.ts'

/** A collector of a test: it receives what an SDK sends over HTTP in protobuf, OpenTelemetry's default. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  /** In the order in which they began; a span arrives after it has ended. */
  spans(): ReceivedSpan[]
  /** The last value of each series. */
  metrics(): ReceivedMetric[]
  /** All that was received, as JSON, for a search. */
  text(): string
}

const { trace, metrics } = root.opentelemetry.proto.collector
const signals = {
  '/v1/traces': trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': metrics.v1.ExportMetricsServiceRequest,
}

/** Starts a receiver on a free port of 127.0.0.1. */
export function startOtlpReceiver(): OtlpReceiver {
  const received: Export[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const type = signals[new URL(request.url).pathname as keyof typeof signals]
      if (request.headers.get('Content-Type') !== 'application/x-protobuf' || type === undefined) {
        return new Response(null, { status: 415 })
      }
      const message = type.decode(await request.bytes())
      received.push(type.toObject(message, { bytes: String, longs: Number, arrays: true }) as Export)
      return new Response(null, { headers: { 'Content-Type': 'application/x-protobuf' } })
    },
  })
  return {
    url: server.url.origin,
    spans: () => received.flatMap(readSpans).toSorted((one, other) => one.startedAtMs - other.startedAtMs),
    metrics: () => lastOfEach(received.flatMap(readMetrics)),
    text: () => JSON.stringify(received),
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

function lastOfEach(all: ReceivedMetric[]): ReceivedMetric[] {
  const series = new Map(all.map((one) => [JSON.stringify([one.service, one.name, one.attributes]), one]))
  return [...series.values()]
}
