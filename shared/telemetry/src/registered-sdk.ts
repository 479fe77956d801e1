import { createNoopMeter, metrics, ProxyTracerProvider, trace } from '@opentelemetry/api'

/** For what an SDK is registered now. */
export interface RegisteredSdk {
  readonly traces: boolean
  readonly metrics: boolean
}

/** Asks the API, which does nothing where there is no SDK, but does not say so. */
export function registeredSdk(): RegisteredSdk {
  return {
    traces: isRegistered(trace.getTracerProvider()),
    metrics: metrics.getMeter('') !== createNoopMeter(),
  }
}

/** The API hands out a proxy, before and after an SDK was registered; what is behind it tells. */
function isRegistered(provider: object): boolean {
  if (!('getDelegate' in provider)) return true
  return (provider as ProxyTracerProvider).getDelegate() !== new ProxyTracerProvider().getDelegate()
}
