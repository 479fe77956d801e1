import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startTestServer, type TestServer } from '@shared/postgres/testing'
import { findServices } from '../src/workspace/services.ts'
import { type Outcome, runCli } from './command-line.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)
const databases = services.map(({ database }) => database)

let server: TestServer
let provisioned: Outcome
// Given, as the committed passwords are refused on a server that is not the local one.
const passwords = { DATABASE_PASSWORD: 'app-of-this-test', MIGRATION_PASSWORD: 'migrator-of-this-test' }
const admin = () => ({ DATABASE_ADMIN_URL: server.adminUrl, ...passwords })

beforeAll(async () => {
  server = await startTestServer()
  provisioned = await runCli(['db:provision'], admin())
}, 120_000)
afterAll(() => server[Symbol.asyncDispose]())

test('db:provision makes every database, and prints no password', () => {
  const { exitCode, stdout } = provisioned
  expect({
    exitCode,
    lines: stdout
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('  ')),
  }).toEqual({
    exitCode: 0,
    lines: [
      `server 127.0.0.1:${server.port} (from the admin URL)`,
      'plan:',
      `provisioned ${databases.map((database) => `${database} (created)`).join(', ')}`,
      expect.stringContaining('can connect to "postgres" and "template1"'),
    ],
  })
  for (const secret of [new URL(server.adminUrl).password, ...Object.values(passwords), 'SCRAM-SHA-256$'])
    expect(stdout + provisioned.stderr).not.toContain(secret)
})

test('db:migrate names the variables of a login that the server refuses, and not their values', async () => {
  const { exitCode, stderr } = await runCli(['db:migrate', 'auth'], {
    ...admin(),
    MIGRATION_PASSWORD: 'canary',
  })
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(
      /28P01[\s\S]*The login is that of MIGRATION_USER \(auth_migrator\) and MIGRATION_PASSWORD: set them/,
    ),
  })
  expect(stderr).not.toContain('canary')
})

test('db:migrate applies each migration once', async () => {
  const first = await runCli(['db:migrate'], admin())
  const second = await runCli(['db:migrate', 'auth'], admin())
  const everything = /^migrated (\w+): (\d+) applied, \2 in all$/gm
  expect({
    exitCodes: [first.exitCode, second.exitCode],
    first: [...first.stdout.matchAll(everything)].map(([, database]) => database).sort(),
    second: second.stdout,
  }).toEqual({
    exitCodes: [0, 0],
    first: databases.toSorted(),
    second: expect.stringContaining('migrated auth_db: 0 applied'),
  })
}, 120_000)

describe('connections', () => {
  test('reaches all of them', async () => {
    const { exitCode, stdout } = await runCli(['connections'], admin())
    expect({ exitCode, last: stdout.trim().split('\n').at(-1) }).toEqual({
      exitCode: 0,
      last: `${names.length}/${names.length} services connected successfully`,
    })
    for (const name of names) {
      expect(stdout).toMatch(
        new RegExp(`✓ ${name} +127.0.0.1:${server.port}/${name}_db as ${name}_app +PostgreSQL \\d+\\.\\d+`),
      )
    }
  }, 120_000)

  test('reports which role was refused, why and what to do, never a password', async () => {
    await runCli(['db:provision', 'product'], { ...admin(), DATABASE_PASSWORD: 'another-password' })
    const { exitCode, stdout, stderr } = await runCli(['connections'], admin())
    expect({ exitCode, last: stdout.trim().split('\n').at(-1) }).toEqual({
      exitCode: 1,
      last: `${names.length - 1}/${names.length} services connected successfully`,
    })
    expect(stdout).toContain(`✗ product  127.0.0.1:${server.port}/product_db as product_app  28P01`)
    expect(stdout).toContain('Check the user and the password.')
    expect(stdout + stderr).not.toMatch(/_app_local|of-this-test|another-password/)
  }, 120_000)

  test('prints one JSON document for --json', async () => {
    const { exitCode, stdout } = await runCli(['connections', 'product', 'cart', '--json'], admin())
    expect({ exitCode, report: JSON.parse(stdout) }).toMatchObject({
      exitCode: 1,
      report: {
        connected: 1,
        total: 2,
        services: [
          { service: 'product', connected: false, code: '28P01', version: null },
          {
            service: 'cart',
            connected: true,
            port: server.port,
            database: 'cart_db',
            user: 'cart_app',
            code: null,
          },
        ],
      },
    })
  }, 120_000)

  test('counts a service whose environment is wrong as failed, with the variable', async () => {
    const { exitCode, stdout } = await runCli(['connections', 'auth'], { ...admin(), DATABASE_POOLSIZE: '3' })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ auth  auth_db  ENVIRONMENT')
    expect(stdout).toContain('DATABASE_POOLSIZE is not known: did you mean DATABASE_POOL_SIZE?')
  }, 120_000)

  test('reports at once that nothing listens', async () => {
    const { exitCode, stdout } = await runCli(['connections', 'auth', '--timeout', '60'], {
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: '1',
    })
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/✗ auth +127\.0\.0\.1:1\/auth_db as auth_app +ECONNREFUSED/)
  }, 120_000)
})

describe('while the local server does not run', () => {
  test.each([
    'connections',
    'doctor',
    'db:migrate',
    'db:seed',
    'db:status',
    'db:psql product --command select',
  ])(
    '%s asks no other server that may have its port',
    async (line) => {
      const words = line.split(' ')
      const outcome = await runCli([...words, '--data-root', '.data/nowhere'])
      expect(outcome).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: `${words[0]}: The local PostgreSQL with its data in .data/nowhere does not run: start it with bun run dev, or bun run db:start.\n`,
      })
    },
    120_000,
  )
})

test('health has a row for a service that does not run, and ends with 1', async () => {
  const { exitCode, stdout } = await runCli(['health', 'auth', '--json'], { PORT: '1' })
  expect({ exitCode, report: JSON.parse(stdout) }).toMatchObject({
    exitCode: 1,
    report: { healthy: false, services: [{ service: 'auth', status: 'unreachable', readiness: null }] },
  })
})
