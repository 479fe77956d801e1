import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openSession, withUrl } from '../src/admin-connection.ts'
import { checkIsolation, provision } from '../src/index.ts'
import { startTestServer, type TestServer } from '../src/testing/private-servers.ts'
import { threeServices } from './support/services.ts'

describe('isolation', () => {
  const services = threeServices()
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    await provision({ adminUrl: server.adminUrl, services, closeSharedDatabases: true })
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  const urlOf = (kind: 'app' | 'migrator', index = 0): string => {
    const service = services[index]
    if (service === undefined) throw new Error(`no service ${index}`)
    return withUrl(server.adminUrl, { database: service.database, login: service[kind] })
  }
  const codeOf = async (url: string, statement: string): Promise<string> => {
    await using session = await openSession(url)
    return session.sql.unsafe(statement).then(
      () => 'done',
      (error) => error.code,
    )
  }

  test('every login role enters its own database and gets 42501 from every other', async () => {
    const report = await checkIsolation({ adminUrl: server.adminUrl, services })
    expect({ isolated: report.isolated, findings: report.findings }).toEqual({ isolated: true, findings: [] })
    const connected = report.matrix.filter(({ outcome }) => outcome === 'connected')
    expect(connected.map(({ role, database }) => `${role} → ${database}`)).toEqual(
      services.flatMap(({ app, migrator, database }) => [
        `${app.name} → ${database}`,
        `${migrator.name} → ${database}`,
      ]),
    )
    const refused = report.matrix.filter(({ outcome }) => outcome === '42501')
    expect({ cells: report.matrix.length, refused: refused.length }).toEqual({ cells: 30, refused: 24 })
    expect(report.privileges.filter(({ connect }) => connect)).toHaveLength(6)
  }, 120_000)

  test('tables that a migrator makes later belong to the owner, and the runtime role may read and write their rows', async () => {
    await using migrator = await openSession(urlOf('migrator'))
    await migrator.sql.unsafe(`
      CREATE TYPE mood AS ENUM ('good', 'bad');
      CREATE TABLE items (id serial PRIMARY KEY, big bigint GENERATED ALWAYS AS IDENTITY, mood mood);
      CREATE TABLE drizzle.journal (id int);
      CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'select 1'`)
    await using app = await openSession(urlOf('app'))
    await app.sql`insert into items (mood) values ('good'), ('bad')`
    await app.sql`update items set mood = 'good' where id = 2`
    await app.sql`delete from items where id = 1`
    expect(await app.sql`select count(*)::int as rows from drizzle.journal`).toMatchObject([{ rows: 0 }])
    const [row] = await app.sql`
      select id, mood, one(), (select tableowner from pg_tables where tablename = 'items') as owner from items`
    expect(row).toEqual({ id: 2, mood: 'good', one: 1, owner: 'auth_owner' })
  })

  test.each([
    'CREATE TABLE mine (id int)',
    'CREATE TEMPORARY TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'CREATE EXTENSION dblink',
    'CREATE DATABASE mine',
    'CREATE ROLE mine',
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'select 1'",
    'DROP TABLE items',
    'ALTER TABLE items ADD COLUMN mine int',
    'TRUNCATE items',
    'INSERT INTO drizzle.journal VALUES (1)',
    'CREATE TABLE drizzle.mine (id int)',
    'SET ROLE auth_owner',
    'SET ROLE auth_migrator',
    'SET ROLE product_owner',
    "ALTER ROLE auth_migrator PASSWORD 'mine'",
    "ALTER DATABASE auth_db SET work_mem TO '1GB'",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY items TO PROGRAM 'cat'",
    'SELECT lo_create(0)',
    'SELECT lo_creat(-1)',
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
  ])('the runtime role is refused: %s', async (statement) => {
    expect(['42501', '0LP01']).toContain(await codeOf(urlOf('app'), statement))
  })

  test('a GRANT by the runtime role gives nobody anything', async () => {
    // PostgreSQL answers these with a warning only, so what came of them is looked at.
    await codeOf(urlOf('app'), 'GRANT SELECT ON items TO PUBLIC')
    await codeOf(urlOf('app'), 'GRANT CONNECT ON DATABASE auth_db TO product_app')
    await using admin = await openSession(server.adminUrl, { database: 'auth_db' })
    const [row] = await admin.sql`
      select (select count(*)::int from pg_class, aclexplode(relacl) where relname = 'items' and grantee = 0) as public,
        has_database_privilege('product_app', 'auth_db', 'CONNECT') as other`
    expect(row).toEqual({ public: 0, other: false })
  })

  test('negative control: a door opened to PUBLIC turns the proof red', async () => {
    await using admin = await openSession(server.adminUrl)
    await admin.sql`GRANT CONNECT ON DATABASE cart_db TO PUBLIC`
    try {
      const report = await checkIsolation({ adminUrl: server.adminUrl, services })
      expect(report.isolated).toBe(false)
      expect(
        report.matrix.filter(({ ok }) => !ok).map(({ role, database, outcome }) => [role, database, outcome]),
      ).toEqual(
        ['auth_app', 'auth_migrator', 'product_app', 'product_migrator'].map((role) => [
          role,
          'cart_db',
          'connected',
        ]),
      )
      expect(report.findings).toContain('PUBLIC has CONNECT on database "cart_db"')
      expect(report.findings).toContain('"auth_app" has CONNECT on database "cart_db"')
    } finally {
      await admin.sql`REVOKE CONNECT ON DATABASE cart_db FROM PUBLIC`
    }
  }, 120_000)

  test('negative control: large objects that everybody may make are a finding, and the next provisioning forbids them', async () => {
    await using admin = await openSession(server.adminUrl, { database: 'auth_db' })
    await admin.sql`GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC`
    const found = await checkIsolation({ adminUrl: server.adminUrl, services })
    const again = await provision({ adminUrl: server.adminUrl, services })
    const after = await checkIsolation({ adminUrl: server.adminUrl, services })
    expect({ found: found.findings, after: after.findings, databases: again.databases }).toMatchObject({
      found: ['"auth_app" can make large objects in "auth_db": provision as a superuser'],
      after: [],
      databases: expect.arrayContaining([{ name: 'auth_db', outcome: 'updated' }]),
    })
  }, 120_000)

  test('what a role has set for itself is found by name, with the statement that resets it, which works', async () => {
    await using app = await openSession(urlOf('app'))
    await app.run("ALTER ROLE auth_app SET statement_timeout = '1h'")
    await app.run("ALTER ROLE auth_app IN DATABASE auth_db SET default_transaction_read_only = 'on'")
    await app.run("ALTER ROLE auth_app IN DATABASE auth_db SET search_path = 'pg_temp'")
    const { findings } = await checkIsolation({ adminUrl: server.adminUrl, services })
    expect(findings).toEqual([
      '"auth_app" has the setting default_transaction_read_only in database "auth_db", which the provisioner did not make: ' +
        'run ALTER ROLE "auth_app" IN DATABASE "auth_db" RESET "default_transaction_read_only"',
      '"auth_app" has the setting search_path in database "auth_db" with another value: run bun run db:provision',
      '"auth_app" has the setting statement_timeout, which the provisioner did not make: ' +
        'run ALTER ROLE "auth_app" RESET "statement_timeout"',
    ])
    await using admin = await openSession(server.adminUrl)
    for (const statement of findings.flatMap((finding) => /run (ALTER .*)$/.exec(finding)?.[1] ?? []))
      await admin.run(statement)
    await provision({ adminUrl: server.adminUrl, services })
    expect((await checkIsolation({ adminUrl: server.adminUrl, services })).findings).toEqual([])
  }, 120_000)

  test('negative control: each loosened attribute is a finding', async () => {
    await using admin = await openSession(server.adminUrl)
    await admin.sql.unsafe(
      'ALTER ROLE auth_app BYPASSRLS CONNECTION LIMIT -1; GRANT pg_monitor TO auth_app; ALTER ROLE auth_owner LOGIN',
    )
    const { findings } = await checkIsolation({ adminUrl: server.adminUrl, services })
    expect(findings.toSorted()).toEqual([
      '"auth_app" has the attribute BYPASSRLS',
      '"auth_app" has the attribute no CONNECTION LIMIT',
      '"auth_app" is a member of "pg_monitor"',
      '"auth_owner" can log in',
    ])
  }, 120_000)
})
