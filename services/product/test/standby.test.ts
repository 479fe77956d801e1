import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/product'
import { eventually } from '@shared/postgres/testing'
import { openClusterService, type TestClusterService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

let service: TestClusterService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/product').replace('schema.ts', 'migrations'),
  )
  service = await openClusterService({
    service: 'product',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, sessions: null }),
  })
}, 60_000)
afterAll(() => service?.[Symbol.asyncDispose](), 60_000)

test('products are read from a standby, and from the primary by a client that sends back what an answer has said', async () => {
  const lamp = { sku: 'LAMP', name: 'Lamp', priceMinor: 1999, currency: 'EUR' }
  await service.pauseReplay()
  const added = await service.send('POST', '/products', lamp)
  const mark = { 'X-Written-Until': added.headers.get('X-Written-Until') ?? '' }
  const path = `/products/${added.body.id}`
  const listed = async (headers = {}) =>
    ((await service.send('GET', '/products', undefined, headers)).body.items as unknown[]).length
  expect({
    added: added.status,
    behind: await service.fromStandby(async () => [(await service.send('GET', path)).status, await listed()]),
    marked: [(await service.send('GET', path, undefined, mark)).status, await listed(mark)],
  }).toEqual({ added: 201, behind: [404, 0], marked: [200, 1] })

  await service.resumeReplay()
  const { standby } = service.database.readCounts()
  // Where the standby is now is known at the next look.
  await eventually(async () => {
    expect([(await service.send('GET', path, undefined, mark)).status, await listed(mark)]).toEqual([200, 1])
    return service.database.readCounts().standby > standby
  })
}, 60_000)
