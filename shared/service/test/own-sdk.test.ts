import { expect, test } from 'bun:test'
import { migrate } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { startOtlpReceiver } from '@shared/telemetry/testing'
import { startService } from '../src/testing/index.ts'

const root = `${import.meta.dir}/../../..`

test('a service records by an SDK that was registered before it, and starts none of its own', async () => {
  await using collector = startOtlpReceiver()
  const postgres = await withDatabase({ service: 'product' })
  await migrate({ url: postgres.migratorUrl, migrationsFolder: `${root}/drizzle/product/migrations` })
  {
    await using service = startService({
      entry: `${import.meta.dir}/own-sdk.ts`,
      env: {
        SERVICE_ENTRY: `${root}/services/product/src/index.ts`,
        DATABASE_URL: postgres.appUrl,
        DATABASE_NAME_CHECK: 'false',
        // Its own, not the one that a service starts an SDK by.
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    })
    const url = await service.url()
    await eventually(async () => (await fetch(`${url}/readyz`)).ok)
    await fetch(`${url}/products/${crypto.randomUUID()}`)
    const named = (name: string) => collector.spans().find((span) => span.name === name)
    await eventually(() => named('GET /products/:id') !== undefined)
    const [request, statement] = ['GET /products/:id', 'SELECT products SELECT SELECT stock'].map(named)
    expect([request?.service, statement?.service]).toEqual(['own', 'own'])
    expect(statement?.parentSpanId).toBe(String(request?.spanId))
    expect(service.output()).not.toContain('telemetry:')
  }
  await postgres.drop()
})
