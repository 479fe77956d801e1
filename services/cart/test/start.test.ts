import { expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated, startService } from '@shared/service/testing'

const migrationsFolder = `${import.meta.dir}/../../../drizzle/cart/migrations`

test('the service starts from its environment, says what it offers, and stops in order', async () => {
  await using postgres = await withDatabase({ service: 'cart', template: migrated(migrationsFolder) })
  await using service = startService({
    entry: `${import.meta.dir}/../src/index.ts`,
    env: {
      DATABASE_URL: postgres.appUrl,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      // Nobody is there: that is no reason not to start.
      PRODUCT_URL: 'http://127.0.0.1:9',
    },
  })
  const url = await service.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).status === 200)
  expect(await (await fetch(url)).json()).toMatchObject({
    service: 'cart',
    routes: expect.arrayContaining([{ method: 'POST', path: '/carts' }]),
  })
  service.kill('SIGTERM')
  expect(await service.exited).toBe(0)
}, 60_000)
