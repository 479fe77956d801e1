import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { createDatabase, type Database, migrate } from '@shared/database'
import {
  eventually,
  startTestServer,
  type TestDatabase,
  templateKey,
  withDatabase,
} from '@shared/postgres/testing'
import { startService } from '@shared/service/testing'
import { sql } from 'drizzle-orm'

const entry = `${import.meta.dir}/../src/index.ts`
const migrationsFolder = Bun.fileURLToPath(
  import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
)

let postgres: TestDatabase
let owner: Database<typeof schema>
beforeAll(async () => {
  const prepare = async ({ migratorUrl: url }: { migratorUrl: string }) =>
    void (await migrate({ url, migrationsFolder }))
  postgres = await withDatabase({
    service: 'auth',
    template: { key: templateKey(migrationsFolder), prepare },
  })
  owner = createDatabase({ name: 'owner', url: postgres.migratorUrl, schema })
}, 60_000)
afterAll(async () => {
  await owner.close()
  await postgres.drop()
})

const start = (env: Record<string, string> = {}, url = postgres.appUrl) =>
  startService({
    entry,
    env: {
      DATABASE_URL: url,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      SHUTDOWN_TIMEOUT: '20',
      ...env,
    },
  })

async function readiness(url: string): Promise<string> {
  const response = await fetch(`${url}/readyz`)
  return `${response.status} ${((await response.json()) as { status: string }).status}`
}

const until = (url: string, expected: string) => eventually(async () => (await readiness(url)) === expected)

const refusesConnections = (url: string) =>
  eventually(() =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  )

/** Registers a user while the table is locked: the request is in flight until `release()`. */
async function requestInFlight(url: string) {
  const locked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const lock = owner.db.transaction(async (tx) => {
    await tx.execute(sql`lock table ${schema.users} in exclusive mode`)
    locked.resolve()
    await released.promise
  })
  await locked.promise
  const answer = fetch(`${url}/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: `${crypto.randomUUID()}@example.org`, password: 'correct horse' }),
  }).then(
    ({ status }) => status,
    () => 'cut off',
  )
  await eventually(async () => (await waitingInserts()) === 1)
  const release = async () => {
    released.resolve()
    await lock
  }
  return { answer, release, [Symbol.asyncDispose]: release }
}

async function waitingInserts(): Promise<number> {
  const [row] = await owner.db.execute<{ count: number }>(
    sql`select count(*)::int from pg_locks where relation = ${'users'}::regclass and not granted
        and database = (select oid from pg_database where datname = current_database())`,
  )
  return row?.count ?? 0
}

describe('a signal', () => {
  test('turns readiness 503, lets the request in flight finish, then ends with 0', async () => {
    // Long enough to be seen.
    await using service = start({ SHUTDOWN_DELAY: '5', SHUTDOWN_TIMEOUT: '60' })
    const url = await service.url()
    await until(url, '200 ready')
    await using request = await requestInFlight(url)

    service.kill('SIGTERM')
    await until(url, '503 draining')
    await refusesConnections(url)
    await request.release()

    expect({ answer: await request.answer, exitCode: await service.exited }).toEqual({
      answer: 201,
      exitCode: 0,
    })
  }, 60_000)

  test('that comes twice at once, as Ctrl-C under bun run does, counts once', async () => {
    await using service = start()
    const url = await service.url()
    await until(url, '200 ready')
    await using request = await requestInFlight(url)

    // What comes later than 500 ms after the first is no echo of it: nothing is waited for in between.
    for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) service.kill(signal)
    await refusesConnections(url)
    await request.release()

    expect({ answer: await request.answer, exitCode: await service.exited }).toEqual({
      answer: 201,
      exitCode: 0,
    })
  }, 60_000)

  test('that comes again later ends the service at once', async () => {
    await using service = start()
    const url = await service.url()
    await until(url, '200 ready')
    await using request = await requestInFlight(url)

    const first = performance.now()
    let ended = false
    service.exited.then(() => {
      ended = true
    })
    await eventually(
      () => {
        if (!ended) service.kill('SIGTERM')
        return ended
      },
      { intervalMs: 50 },
    )
    expect({ answer: await request.answer, exitCode: await service.exited }).toEqual({
      answer: 'cut off',
      exitCode: 143,
    })
    // The echo of the first signal, up to 500 ms after it, is no second one.
    expect(performance.now() - first).toBeGreaterThanOrEqual(500)
  }, 60_000)

  test('ends an idle service with 0, also with no time to do it', async () => {
    await using service = start({ SHUTDOWN_TIMEOUT: '0' })
    await until(await service.url(), '200 ready')
    service.kill('SIGTERM')
    expect(await service.exited).toBe(0)
  }, 60_000)

  test('ends a request that takes longer than SHUTDOWN_TIMEOUT, on the server too, with 1', async () => {
    await using service = start({ SHUTDOWN_TIMEOUT: '1' })
    const url = await service.url()
    await until(url, '200 ready')
    await using request = await requestInFlight(url)

    service.kill('SIGTERM')
    expect(await service.exited).toBe(1)
    expect([503, 504, 'cut off']).toContain(await request.answer)
    await eventually(async () => (await waitingInserts()) === 0)
  }, 60_000)
})

describe('a start', () => {
  test('with a wrong environment reports every variable and ends with 78', async () => {
    await using service = start(
      { PORT: 'http', DATABASE_POOL_SIZE: '-1' },
      'postgres://auth_app:canary@127.0.0.1/auth_db',
    )
    expect(await service.exited).toBe(78)
    expect(service.output()).toContain('PORT')
    expect(service.output()).toContain('DATABASE_POOL_SIZE')
    expect(service.output()).not.toContain('canary')
  }, 60_000)

  test('on a port that is taken names the port and what to do, and ends with 1', async () => {
    using other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    await using service = start({ PORT: String(other.port) })
    expect(await service.exited).toBe(1)
    expect(service.output().trim().split('\n')).toEqual([
      `auth: cannot start: port ${other.port} is already in use: stop what listens there, or set PORT to a free one`,
    ])
  }, 60_000)

  test('on the database of another service ends with 1 and 42501', async () => {
    await using foreign = await withDatabase({ service: 'product' })
    const url = new URL(postgres.appUrl)
    url.pathname = new URL(foreign.appUrl).pathname
    await using service = start({}, url.href)
    expect(await service.exited).toBe(1)
    expect(service.output()).toMatch(/^auth: cannot start: .*42501/m)
  }, 60_000)

  test('with a wrong password ends with 1 and 28P01, without showing it', async () => {
    const url = new URL(postgres.appUrl)
    url.password = 'canary'
    await using service = start({}, url.href)
    expect(await service.exited).toBe(1)
    expect(service.output()).toMatch(/^auth: cannot start: .*28P01/m)
    expect(service.output()).not.toContain('canary')
  }, 60_000)

  test('while the database is down waits for it, alive but not ready, and a signal ends the wait with 0', async () => {
    await using server = await startTestServer()
    const { appUrl, migratorUrl } = await server.database('auth')
    await migrate({ url: migratorUrl, migrationsFolder })
    await server.stop()
    await using service = start({}, appUrl)
    await using other = start({}, appUrl)
    const url = await service.url()
    expect(await readiness(url)).toBe('503 starting')
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    expect((await fetch(`${url}/health`)).status).toBe(503)

    await other.url()
    other.kill('SIGTERM')
    expect(await other.exited).toBe(0)

    await server.restart()
    await until(url, '200 ready')
    service.kill('SIGTERM')
    expect(await service.exited).toBe(0)
    expect(service.output()).toContain('ECONNREFUSED')
  }, 60_000)
})
