import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { createDatabase, migrate } from '@shared/database'
import { eventually, startTestServer, type TestServer } from '@shared/postgres/testing'
import type { ServiceProcess } from '../../src/testing/index.ts'
import { startService } from '../../src/testing/index.ts'
import { leaksIn, secrets } from './canary.ts'

const root = `${import.meta.dir}/../../../..`
const services = readdirSync(`${root}/services`).filter((name) =>
  existsSync(`${root}/services/${name}/package.json`),
)
const patience = { timeoutMs: 30_000, intervalMs: 50 }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  for (const service of services) {
    const { migratorUrl } = await server.database(service)
    await migrate({ url: migratorUrl, migrationsFolder: `${root}/drizzle/${service}/migrations` })
    const password = secrets.DATABASE_PASSWORD.replaceAll("'", "''")
    await asAdmin(service, `alter role ${service}_app password '${password}'`)
  }
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

async function asAdmin(service: string, statement: string): Promise<void> {
  const url = new URL(server.adminUrl)
  url.pathname = `/${service}_db`
  const admin = createDatabase({ name: 'admin', url: url.href })
  await admin.db.execute(statement)
  await admin.close()
}

function start(service: string, port: number, changes: Record<string, string> = {}): ServiceProcess {
  const env: Record<string, string> = {
    DATABASE_HOST: '127.0.0.1',
    DATABASE_PORT: String(port),
    DATABASE_NAME: `${service}_db`,
    DATABASE_USER: `${service}_app`,
    MIGRATION_USER: `${service}_migrator`,
    DATABASE_CONNECT_TIMEOUT: '0.5',
    DATABASE_POOL_TIMEOUT: '0.3',
    LOG_LEVEL: 'trace',
    SHUTDOWN_DELAY: '0',
    // Nothing listens there.
    PRODUCT_URL: 'http://127.0.0.1:9',
    // Every route is to be reached.
    REQUIRE_SESSION: 'false',
    ...secrets,
    ...changes,
  }
  return startService({ entry: `${root}/services/${service}/src/index.ts`, env })
}

/** Requests every route, as the index lists them, with and without the token; returns all that it received, headers included. */
async function requestEverything(url: string): Promise<string> {
  const received: string[] = []
  const send = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, init)
    const text = await response.text()
    received.push(`${response.status} ${path}`, ...[...response.headers].map((pair) => pair.join(': ')), text)
    return text
  }
  const index = JSON.parse(await send('/')) as { routes: { method: string; path: string }[] }
  const tokens = [undefined, secrets.HEALTH_TOKEN, `${secrets.HEALTH_TOKEN}-wrong`]
  for (const { method, path } of [...index.routes, { method: 'GET', path: '/nowhere' }]) {
    for (const token of tokens) {
      const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {}
      const address = path.replaceAll(/:\w+/g, () => crypto.randomUUID())
      await send(address, { method, headers })
      if (method === 'GET') continue
      const body = JSON.stringify({ email: 'a@example.org', password: secrets.DATABASE_PASSWORD, x: 1 })
      await send(address, { method, headers: { ...headers, 'Content-Type': 'application/json' }, body })
    }
  }
  return received.join('\n')
}

describe.each(services)('%s', (service) => {
  test('in use, with its tables gone, without its server and back shows no secret', async () => {
    await using started = start(service, server.port)
    const url = await started.url()
    const becomes = (status: number) =>
      eventually(async () => (await fetch(`${url}/readyz`)).status === status, patience)
    await becomes(200)
    const received = [await requestEverything(url)]
    await asAdmin(service, 'drop schema public cascade')
    received.push(await requestEverything(url))
    await server.stop({ mode: 'immediate' })
    await becomes(503)
    received.push(await requestEverything(url))
    await server.restart()
    await becomes(200)
    started.kill('SIGTERM')
    expect({ exitCode: await started.exited, output: leaksIn(started.output()) }).toEqual({
      exitCode: 0,
      output: [],
    })
    expect(received.map(leaksIn)).toEqual([[], [], []])
    // Otherwise the absence of secrets would prove nothing.
    const statuses = received.map((text) => new Set(text.match(/^[2-5]\d\d(?= )/gm)))
    expect([statuses[0]?.has('200'), statuses[1]?.has('500'), statuses[2]?.has('503')]).toEqual([
      true,
      true,
      true,
    ])
    expect(started.output()).toMatch(/"level":"warn".*"event":/)
  }, 120_000)

  test('that cannot start shows no secret', async () => {
    const { DATABASE_PASSWORD: secret } = secrets
    const encoded = encodeURIComponent(secret)
    const wrong: [exitCode: number, changes: Record<string, string>][] = [
      [1, { DATABASE_PASSWORD: `${secret} wrong` }],
      [1, { DATABASE_PASSWORD: `${secret} wrong`, NODE_ENV: 'development' }],
      [1, { DATABASE_SSL_MODE: 'require' }],
      [78, { DATABASE_URL: `postgres://${service}_app:${secret}@127.0.0.1/${service}_db` }],
      [78, { DATABASE_URL: `postgres://${service}_app:${encoded}%zz@127.0.0.1/${service}_db` }],
      [78, { DATABASE_URL: secret }],
      [78, { DATABASE_PASSWORD_FILE: '/nowhere/password' }],
      [78, { DATABASE_PASSWROD: secret }],
      [78, { PORT: secret, DATABASE_PORT: secret, DATABASE_NAME: secret, LOG_LEVEL: secret }],
      [78, { HEALTH_TOKEN: `${secrets.HEALTH_TOKEN} with spaces` }],
    ]
    for (const [exitCode, changes] of wrong) {
      await using started = start(service, server.port, changes)
      const ended = await started.exited
      expect({ changes: Object.keys(changes), exitCode: ended, leaks: leaksIn(started.output()) }).toEqual({
        changes: Object.keys(changes),
        exitCode,
        leaks: [],
      })
      expect(started.output()).not.toBe('')
    }
  }, 120_000)

  test('that waits for its server shows no secret', async () => {
    await using waiting = start(service, 1)
    await eventually(() => waiting.output().includes('waiting for the database'), patience)
    const received = await requestEverything(await waiting.url())
    waiting.kill('SIGTERM')
    expect([await waiting.exited, leaksIn(waiting.output()), leaksIn(received)]).toEqual([0, [], []])
  }, 60_000)
})
