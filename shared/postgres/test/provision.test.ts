import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { openSession, withUrl } from '../src/admin-connection.ts'
import { checkIsolation, provision, type ServiceRoles } from '../src/index.ts'
import { eventually } from '../src/testing/eventually.ts'
import { startTestServer, type TestServer } from '../src/testing/private-servers.ts'
import { threeServices } from './support/services.ts'

describe('provision', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  const run = (services: ServiceRoles[], adminUrl = server.adminUrl) =>
    provision({ adminUrl, services, closeSharedDatabases: true })
  const outcomes = (report: Awaited<ReturnType<typeof provision>>) =>
    Object.fromEntries([...report.databases, ...report.roles].map(({ name, outcome }) => [name, outcome]))
  const changed = (report: Awaited<ReturnType<typeof provision>>) =>
    Object.fromEntries(Object.entries(outcomes(report)).filter(([, outcome]) => outcome !== 'unchanged'))
  const admin = async (statement: string, database = 'postgres'): Promise<void> => {
    await using session = await openSession(server.adminUrl, { database })
    await session.sql.unsafe(statement)
  }

  test('four at once on an empty server make everything once, and a later one changes nothing', async () => {
    const reports = await Promise.all([1, 2, 3, 4].map(() => run(threeServices())))
    const made = reports.map(
      (report) => Object.values(outcomes(report)).filter((outcome) => outcome === 'created').length,
    )
    expect(made.toSorted()).toEqual([0, 0, 0, 12])
    const again = await run(threeServices())
    expect({ changed: changed(again), warnings: again.warnings }).toEqual({ changed: {}, warnings: [] })
  }, 120_000)

  test('a changed password and a changed limit are taken over and named', async () => {
    const services = threeServices()
    const [auth] = services
    if (auth === undefined) throw new Error('no service')
    auth.app = { ...auth.app, password: "new ' \\ secret", connectionLimit: 2 }
    expect(changed(await run(services))).toEqual({ auth_app: 'updated' })
    const url = withUrl(server.adminUrl, { database: 'auth_db', login: auth.app })
    await using one = await openSession(url)
    await using _two = await openSession(url)
    expect(await openSession(url).catch((error) => error.code)).toBe('53300')
    expect((await one.sql`show idle_in_transaction_session_timeout`)[0]).toEqual({
      idle_in_transaction_session_timeout: '1min',
    })
    const old = threeServices()[0]?.app
    expect(
      await openSession(server.adminUrl, { database: 'auth_db', login: old }).catch((error) => error.code),
    ).toBe('28P01')
  }, 120_000)

  test('what somebody loosened is tightened again, and sessions that came in are ended', async () => {
    await run(threeServices())
    await admin(`
      GRANT CONNECT ON DATABASE product_db TO auth_app; GRANT TEMPORARY ON DATABASE auth_db TO auth_app;
      GRANT CONNECT ON DATABASE postgres TO PUBLIC; GRANT product_owner TO auth_app; ALTER ROLE auth_app CREATEDB INHERIT;
      ALTER DATABASE cart_db OWNER TO postgres`)
    await admin('GRANT CREATE ON SCHEMA public TO cart_app', 'cart_db')
    const login = threeServices()[0]?.app
    let closed = false
    await using _intruder = await openSession(server.adminUrl, {
      database: 'product_db',
      login,
      onClose: () => {
        closed = true
      },
    })
    expect(
      (await checkIsolation({ adminUrl: server.adminUrl, services: threeServices() })).findings.length,
    ).toBeGreaterThan(6)
    expect(changed(await run(threeServices()))).toEqual({
      auth_app: 'updated',
      auth_db: 'updated',
      cart_db: 'updated',
      postgres: 'updated',
      product_db: 'updated',
    })
    expect((await checkIsolation({ adminUrl: server.adminUrl, services: threeServices() })).findings).toEqual(
      [],
    )
    await eventually(() => closed)
  }, 120_000)

  test('a half-made database is finished by the next run', async () => {
    await admin('CREATE ROLE late_owner')
    await admin(
      `COMMENT ON ROLE late_owner IS 'ours, really\nprovisioned by @shared/postgres for service "late"'`,
    )
    await admin('CREATE DATABASE late_db OWNER late_owner ALLOW_CONNECTIONS false')
    const late: ServiceRoles = {
      service: 'late',
      database: 'late_db',
      owner: 'late_owner',
      migrator: { name: 'late_migrator', password: 'm' },
      app: { name: 'late_app', password: 'a', connectionLimit: 5 },
    }
    expect(changed(await run([late]))).toEqual({
      late_db: 'updated',
      late_migrator: 'created',
      late_app: 'created',
    })
    expect((await checkIsolation({ adminUrl: server.adminUrl, services: [late] })).findings).toEqual([])
  }, 120_000)

  test('an admin with CREATEROLE and CREATEDB is enough, and what it cannot do is a warning', async () => {
    await admin(`CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'managed'`)
    await admin(
      `GRANT CONNECT ON DATABASE postgres, template1 TO managed; GRANT CONNECT ON DATABASE template1 TO PUBLIC`,
    )
    const adminUrl = withUrl(server.adminUrl, { login: { name: 'managed', password: 'managed' } })
    const services = threeServices().map((service) => ({
      ...service,
      database: `m_${service.database}`,
      owner: `m_${service.owner}`,
      migrator: { ...service.migrator, name: `m_${service.migrator.name}` },
      app: { ...service.app, name: `m_${service.app.name}` },
    }))
    const first = await run(services, adminUrl)
    expect(first.warnings.filter((line) => line.includes('"template1"'))).toHaveLength(1)
    const again = await run(services, adminUrl)
    expect(changed(again)).toEqual({})
    await admin('REVOKE ALL ON DATABASE template1 FROM PUBLIC')
    // Nor can it revoke what belongs to the superuser.
    expect(first.warnings.filter((line) => line.includes('large objects'))).toHaveLength(3)
    expect((await checkIsolation({ adminUrl: server.adminUrl, services })).findings).toEqual(
      services.map(({ app, database }) =>
        expect.stringContaining(`"${app.name}" can make large objects in "${database}"`),
      ),
    )
  }, 120_000)

  test.each([
    [
      'an admin without the rights',
      { name: 'plain', password: 'plain' },
      'INSUFFICIENT_PRIVILEGE',
      'CREATEROLE and CREATEDB',
    ],
    [
      'a wrong admin password',
      { name: 'plain', password: 'wrong-secret' },
      'CONNECT_FAILED',
      'check the admin URL',
    ],
  ])('%s is refused with what to do, and without a password', async (_, login, code, words) => {
    await admin(`
      DO $$ BEGIN CREATE ROLE plain LOGIN PASSWORD 'plain'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT CONNECT ON DATABASE postgres TO plain`)
    const error = await run(threeServices(), withUrl(server.adminUrl, { login })).catch((caught) => caught)
    expect(error).toMatchObject({ name: 'ProvisionError', code })
    expect(error.message).toContain(words)
    expect(Bun.inspect(error)).not.toContain('secret')
  })

  test('passwords are in no line of the server log, also when every statement is logged', async () => {
    await admin(`ALTER SYSTEM SET log_statement = 'all'`)
    await admin('SELECT pg_reload_conf()')
    const services = threeServices().map((service) => ({
      ...service,
      app: { ...service.app, password: `${service.service}-canary` },
    }))
    try {
      await run(services)
    } finally {
      await admin('ALTER SYSTEM RESET log_statement')
      await admin('SELECT pg_reload_conf()')
    }
    const log = readFileSync(server.logFile, 'utf8')
    expect({ logged: log.includes('ALTER ROLE "auth_app"'), leaked: log.includes('-canary') }).toEqual({
      logged: true,
      leaked: false,
    })
  }, 120_000)
})
