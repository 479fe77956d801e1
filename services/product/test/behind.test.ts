import { afterAll, beforeAll, expect, test } from 'bun:test'
import { migrate } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { type ServiceProcess, startService } from '@shared/service/testing'

const migrationsFolder = `${import.meta.dir}/../../../drizzle/product/migrations`
const token = 'a-token-of-the-tests-that-is-long-enough'

let postgres: TestDatabase
let service: ServiceProcess
let url: string
beforeAll(async () => {
  postgres = await withDatabase({ service: 'product' })
  service = startService({
    entry: `${import.meta.dir}/../src/index.ts`,
    env: {
      DATABASE_URL: postgres.appUrl,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      HEALTH_TOKEN: token,
    },
  })
  url = await service.url()
  await eventually(() => service.output().includes('not ready: '))
}, 60_000)
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
  await postgres?.drop()
})

async function ask(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const logged = (level: string): string[] =>
  service
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string })
    .filter((line) => line.level === level)
    .map(({ msg }) => msg)

test('a service whose database is not migrated is alive and not ready, says why, and answers no route with a 500', async () => {
  const { body } = await ask('/health/detailed')
  const routes = await Promise.all(
    ['/products', '/products/2d9a3bd5-3f0b-4a8f-a3f1-9d5a4cf3a8a0'].map((path) => ask(path)),
  )
  expect({
    livez: (await ask('/livez')).status,
    readyz: await ask('/readyz'),
    health: await ask('/health').then(({ status, body: { reasons } }) => ({ status, reasons })),
    migrations: body.migrations,
    routes: routes.map(({ status, body: { code } }) => `${status} ${code}`),
    log: logged('warn').filter((line) => line.startsWith('not ready')),
  }).toEqual({
    livez: 200,
    readyz: { status: 503, body: { status: 'database-behind', service: 'product' } },
    health: { status: 503, reasons: ['database-behind'] },
    migrations: {
      state: 'behind',
      pending: expect.arrayContaining(['0000_init']),
      total: expect.any(Number),
      code: null,
    },
    routes: ['503 database-behind', '503 database-behind'],
    log: [
      expect.stringMatching(
        /^not ready: (\d+) of \1 migrations are pending; apply them with bun run db:migrate product$/,
      ),
    ],
  })
}, 60_000)

test('once the migrations are applied it is ready, without a restart, and its routes answer', async () => {
  await migrate({ url: postgres.migratorUrl, migrationsFolder })
  await eventually(async () => (await ask('/readyz')).status === 200)
  await eventually(() => logged('info').includes('ready: the database answers'))
  const { body } = await ask('/health/detailed')
  expect({
    route: (await ask('/products')).status,
    health: (await ask('/health')).body.reasons,
    migrations: body.migrations,
  }).toEqual({
    route: 200,
    health: [],
    migrations: { state: 'current', pending: [], total: expect.any(Number), code: null },
  })
}, 60_000)
