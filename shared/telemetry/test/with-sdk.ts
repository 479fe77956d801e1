import { context, diag, metrics, propagation, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { instrumentDatabases } from '../src/index.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../src/testing/index.ts'

const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT'

/**
 * Runs `fn` under OpenTelemetry's SDK for Node; what has arrived at its collector by the end of the SDK is returned.
 *
 * @param fn Gets `instrumentDatabases`, which is stopped when the SDK has ended.
 */
export async function withSdk(
  fn: (instrument: typeof instrumentDatabases) => Promise<void>,
): Promise<Pick<OtlpReceiver, 'spans' | 'metrics' | 'text'>> {
  await using receiver = startOtlpReceiver()
  const stops: (() => void)[] = []
  process.env[endpoint] = receiver.url
  const sdk = new NodeSDK({ serviceName: 'test', autoDetectResources: false })
  sdk.start()
  try {
    await fn((options) => {
      const stop = instrumentDatabases(options)
      stops.push(stop)
      return stop
    })
  } finally {
    delete process.env[endpoint]
    await sdk.shutdown().finally(() => {
      for (const stop of stops) stop()
      for (const api of [trace, metrics, context, propagation, diag]) api.disable()
    })
  }
  return receiver
}
