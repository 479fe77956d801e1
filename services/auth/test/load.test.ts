import { expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { createDatabase, migrate } from '@shared/database'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { startLoad, startService } from '@shared/service/testing'

const migrationsFolder = Bun.fileURLToPath(
  import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
)
const patience = { timeoutMs: 60_000, intervalMs: 20 }

/** The service in a process of its own, on a server of its own, asked by 64 clients for one user by its key. */
async function startUnderLoad(env: Record<string, string> = {}) {
  const server = await startTestServer()
  const { appUrl, migratorUrl } = await server.database('auth')
  await migrate({ url: migratorUrl, migrationsFolder })
  const id = crypto.randomUUID()
  const owner = createDatabase({ name: 'owner', url: migratorUrl, schema })
  await owner.db.insert(schema.users).values({ id, email: 'ada@example.org', passwordHash: 'none' })
  await owner.close()
  const service = startService({
    entry: `${import.meta.dir}/../src/index.ts`,
    env: { DATABASE_URL: appUrl, DATABASE_NAME_CHECK: 'false', SHUTDOWN_TIMEOUT: '30', ...env },
  })
  const url = await service.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).status === 200, patience)
  const load = startLoad({ url, path: `/users/${id}` })
  await eventually(() => load.succeeded > 2_000, patience)
  return {
    server,
    service,
    load,
    async [Symbol.asyncDispose]() {
      await load.stop()
      await service[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('a fast restart of PostgreSQL under load fails requests in flight alone, as 503 problems', async () => {
  await using world = await startUnderLoad()
  const { server, load } = world
  await server.restart({ mode: 'fast' })
  const backAt = performance.now()
  const before = load.succeeded
  await eventually(() => load.succeeded > before + 2_000, patience)
  const { failed } = await load.stop()
  // A client has one request in flight; what it asks next waits until the server is back.
  expect(failed.length).toBeLessThanOrEqual(64)
  for (const { status, contentType, body, startedAt } of failed) {
    expect({ status, contentType, problem: JSON.parse(body) }).toMatchObject({
      status: 503,
      contentType: 'application/problem+json',
      problem: { code: expect.stringMatching(/^(outcome-unknown|database-unavailable)$/) },
    })
    expect(startedAt).toBeLessThan(backAt)
  }
}, 180_000)

test.each(['0', '1'])(
  'SIGTERM under load fails no request that was accepted, and ends with 0 (SHUTDOWN_DELAY=%s)',
  async (delay) => {
    await using world = await startUnderLoad({ SHUTDOWN_DELAY: delay })
    const { service, load } = world
    service.kill('SIGTERM')
    const exitCode = await service.exited
    const { failed, succeededIds } = await load.stop()
    const accepted = [...service.output().matchAll(/"requestId":"(load-\d+)"/g)].map(([, id]) => id ?? '')
    // What still lay in the kernel's queue when the port closed was never accepted: a new connection, reset.
    const failedOtherwise = failed.filter(({ status, fresh }) => status !== 0 || !fresh)
    const unanswered = accepted.filter((id) => !succeededIds.has(id))
    expect({ exitCode, failedOtherwise, unanswered }).toEqual({
      exitCode: 0,
      failedOtherwise: [],
      unanswered: [],
    })
    expect(accepted.length).toBeGreaterThan(2_000)
  },
  180_000,
)
