import { context, DiagLogLevel, diag, propagation } from '@opentelemetry/api'
import type { Logger } from '../log/logger.ts'
import { telemetryLog } from './telemetry-log.ts'

/** The variables that say whether telemetry is sent; the SDK reads these and all other `OTEL_*` by itself. */
export interface TelemetryEnv {
  /** Where a collector receives OTLP. Default: nothing is sent. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string
  /** Default false. */
  readonly OTEL_SDK_DISABLED?: boolean
}

/** Telemetry that was started. */
export interface Telemetry {
  /** Sends what has not been sent, which an unreachable collector can delay by 10 s and more. Does not reject. */
  stop(): Promise<void>
}

/**
 * Starts OpenTelemetry's SDK where an endpoint is set. Where none is, ids of traces are only passed on: from requests to logs and to
 * the services that are asked. What another SDK has registered before (`bun --preload`) stays as it is.
 */
export async function startTelemetry(service: string, env: TelemetryEnv, logger: Logger): Promise<Telemetry> {
  // Also by the last run of this program under `bun --hot`.
  const isRegistered = propagation.fields().length > 0
  if (!isRegistered) {
    if (env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined && !env.OTEL_SDK_DISABLED)
      return startSdk(service, logger)
    await passOn()
  }
  return { stop: async () => undefined }
}

async function startSdk(service: string, logger: Logger): Promise<Telemetry> {
  // Loaded only where it is used: it takes longer to load than a service.
  const [{ NodeSDK }, { defaultResource, resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/resources'),
  ])
  if (process.env.OTEL_LOG_LEVEL === undefined) {
    diag.setLogger(telemetryLog(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  }
  // As the resource, not as serviceName, which would win over OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
  const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': service }))
  const sdk = new NodeSDK({ resource })
  sdk.start()
  logger.info('telemetry: sent to OTEL_EXPORTER_OTLP_ENDPOINT')
  return {
    stop: () => sdk.shutdown().catch(() => logger.warn('telemetry: what was left could not be sent')),
  }
}

async function passOn(): Promise<void> {
  const [{ AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }] = await Promise.all([
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
  ])
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
}
