import { expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated, startService } from '@shared/service/testing'

const migrationsFolder = `${import.meta.dir}/../../../drizzle/product/migrations`

test('the service starts from its environment, says what it offers, and stops in order', async () => {
  await using postgres = await withDatabase({ service: 'product', template: migrated(migrationsFolder) })
  await using service = startService({
    entry: `${import.meta.dir}/../src/index.ts`,
    env: {
      DATABASE_URL: postgres.appUrl,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      CORS_ORIGINS: 'https://shop.example',
    },
  })
  const url = await service.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).status === 200)
  expect(await (await fetch(url)).json()).toMatchObject({
    service: 'product',
    routes: expect.arrayContaining([{ method: 'POST', path: '/products' }]),
  })
  const allowed = async (origin: string) =>
    (await fetch(url, { headers: { Origin: origin } })).headers.get('Access-Control-Allow-Origin')
  expect(await allowed('https://shop.example')).toBe('https://shop.example')
  expect(await allowed('https://evil.example')).toBeNull()
  service.kill('SIGTERM')
  expect(await service.exited).toBe(0)
}, 60_000)
