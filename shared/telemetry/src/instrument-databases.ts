import { metrics, trace } from '@opentelemetry/api'
import { measureOperations } from './operation-metrics.ts'
import { type MeasuredDatabase, measurePools } from './pool-metrics.ts'
import { registeredSdk } from './registered-sdk.ts'
import { traceOperations } from './spans.ts'

/** What to instrument beside the operations of every database in the process. */
export interface InstrumentOptions {
  /** Whose pools are measured: connections by state, limits, callers that wait. Default: none. */
  databases?: readonly MeasuredDatabase[]
}

/** As tools show whose spans and metrics these are. */
const scope = '@shared/telemetry'

/**
 * Records what all databases of this process do as spans and metrics, by OpenTelemetry's semantic conventions 1.45.0.
 *
 * Call it once, after an SDK was registered: without one for traces no span, and without one for metrics no measurement is prepared,
 * and nothing is subscribed to. It takes any SDK, as it knows the API alone. Neither parameters nor messages of errors are in
 * what it records; constants in a statement's text are `?`.
 *
 * @returns A function that stops it. Spans that are open then never end.
 * @see https://opentelemetry.io/docs/specs/semconv/db/postgresql/
 */
export function instrumentDatabases({ databases = [] }: InstrumentOptions = {}): () => void {
  const stops: (() => void)[] = []
  const sdk = registeredSdk()
  if (sdk.traces) stops.push(traceOperations(trace.getTracer(scope)))
  if (sdk.metrics) {
    const meter = metrics.getMeter(scope)
    stops.push(measureOperations(meter), measurePools(meter, databases))
  }
  return () => {
    for (const stop of stops.splice(0)) stop()
  }
}
