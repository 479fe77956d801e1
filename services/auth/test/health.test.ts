import { expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { createDatabase } from '@shared/database'
import { eventually, startTestServer, withDatabase } from '@shared/postgres/testing'
import { createApp } from '../src/app.ts'

async function ask(app: ReturnType<typeof createApp>, path: string) {
  const response = await app.request(path)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a saturated pool reads degraded, stays ready, and heals when a connection comes back', async () => {
  await using postgres = await withDatabase({ service: 'auth' })
  const database = createDatabase({
    name: 'auth',
    url: postgres.appUrl,
    schema,
    pool: { poolSize: 1, maxOverflow: 1 },
  })
  try {
    const app = createApp({ database, health: { details: 'always' } })
    const release = Promise.withResolvers<void>()
    const held = [database.use(() => release.promise), database.use(() => release.promise)]
    await eventually(() => database.status().checkedOut === 2)
    const waiting = database.db.execute('select 1')
    waiting.catch(() => undefined)

    expect(await ask(app, '/health')).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        reasons: ['pool-saturated'],
        database: { status: 'connected', code: null },
      },
    })
    expect(await ask(app, '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })

    release.resolve()
    await Promise.all([...held, waiting])
    await eventually(async () =>
      expect(await ask(app, '/health')).toMatchObject({ status: 200, body: { status: 'healthy' } }),
    )
  } finally {
    await database.close()
  }
})

test('details come from a provisioned server: version, limits of the role, confinement', async () => {
  await using server = await startTestServer()
  const { appUrl } = await server.database('auth', { connectionLimit: 12 })
  const database = createDatabase({
    name: 'auth',
    url: appUrl,
    schema,
    pool: { poolSize: 4, maxOverflow: 8 },
  })
  try {
    const app = createApp({ database, health: { details: 'always' } })
    await database.connect()
    const { status, body } = await ask(app, '/health/detailed')
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        status: 'healthy',
        pool: { poolSize: 4, maxOverflow: 8, total: 1, idle: 1 },
        server: { inRecovery: false },
        limits: { roleConnectionLimit: 12, wantedConnections: 13, fits: false },
        isolation: { confined: true, findings: [] },
      },
    })
    expect(JSON.stringify(body)).not.toContain(new URL(appUrl).password)
  } finally {
    await database.close()
  }
}, 60_000)

test('a server that stops reads unhealthy with its code, and healthy again when it is back', async () => {
  await using server = await startTestServer()
  const { appUrl } = await server.database('auth')
  const database = createDatabase({ name: 'auth', url: appUrl, schema })
  try {
    const app = createApp({ database })
    expect(await ask(app, '/health')).toMatchObject({ status: 200 })
    await server.stop()
    await eventually(async () => (await ask(app, '/health')).status === 503)
    expect(await ask(app, '/health')).toMatchObject({
      body: {
        status: 'unhealthy',
        database: { status: 'disconnected', latencyMs: null, code: expect.any(String) },
      },
    })
    expect(await ask(app, '/readyz')).toMatchObject({ status: 503, body: { status: 'database-unreachable' } })
    expect(await ask(app, '/livez')).toMatchObject({ status: 200 })
    await server.restart()
    await eventually(async () => (await ask(app, '/readyz')).status === 200)
  } finally {
    await database.close()
  }
}, 60_000)
