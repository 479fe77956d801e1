import { NodeSDK } from '@opentelemetry/sdk-node'

// What a team's own `telemetry.ts` is: loaded before the service, by `bun --preload`.
new NodeSDK({ serviceName: 'own' }).start()
const { SERVICE_ENTRY: entry } = process.env
await import(String(entry))
