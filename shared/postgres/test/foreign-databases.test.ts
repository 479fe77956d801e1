import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openSession, withUrl } from '../src/admin-connection.ts'
import { checkIsolation, planProvision, provision, type ServiceRoles } from '../src/index.ts'
import { startTestServer, type TestServer } from '../src/testing/private-servers.ts'
import { threeServices } from './support/services.ts'
import { contents, snapshot } from './support/snapshot.ts'

const foreigner = { name: 'poc_user', password: 'poc' }
const bystander = { name: 'bystander', password: 'by' }

describe('a server on which the databases belong to somebody else', () => {
  let server: TestServer
  const services = threeServices()
  const [auth] = services as [ServiceRoles, ...ServiceRoles[]]

  const login = async (role: { name: string; password: string }, database: string): Promise<string> => {
    try {
      await using _session = await openSession(server.adminUrl, { database, login: role })
      return 'connected'
    } catch (error) {
      return String((error as { code?: string }).code)
    }
  }
  const logins = () =>
    Promise.all([
      ...services.map(({ database }) => login(foreigner, database)),
      login(foreigner, 'postgres'),
      login(bystander, 'postgres'),
      login(bystander, 'auth_db'),
      login(bystander, 'template1'),
    ])
  const everything = async () => ({
    server: await snapshot(server.adminUrl),
    contents: await contents(server.adminUrl, 'auth_db'),
    logins: await logins(),
  })
  const refusal = (options: Partial<Parameters<typeof provision>[0]> = {}) =>
    provision({ adminUrl: server.adminUrl, services, ...options }).then(
      () => 'nothing was refused',
      (error) => error,
    )

  beforeAll(async () => {
    server = await startTestServer()
    await using admin = await openSession(server.adminUrl)
    await admin.run(`CREATE ROLE poc_user LOGIN PASSWORD 'poc'; CREATE ROLE bystander LOGIN PASSWORD 'by'`)
    for (const { database } of services) await admin.run(`CREATE DATABASE ${database} OWNER poc_user`)
    await admin.run('CREATE DATABASE poc_other OWNER poc_user')
    await admin.run(`COMMENT ON DATABASE auth_db IS 'a proof of concept'`)
    await using inside = await openSession(server.adminUrl, { database: 'auth_db', login: foreigner })
    await inside.run(`
      CREATE TYPE mood AS ENUM ('good', 'bad');
      CREATE TYPE "we""ird" AS (mood mood);
      CREATE DOMAIN short AS varchar(10);
      CREATE TABLE notes (id serial PRIMARY KEY, no int GENERATED ALWAYS AS IDENTITY, mood mood);
      CREATE VIEW "all notes" AS SELECT * FROM notes;
      CREATE SEQUENCE loose;
      CREATE FUNCTION "count""notes"(mood, int DEFAULT 1) RETURNS bigint LANGUAGE sql AS 'select count(*) from notes';
      CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int);
      INSERT INTO notes (mood) VALUES ('good')`)
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  test('is left as it is: the refusal names what is in the way and the commands that would adopt it', async () => {
    const before = await everything()
    const error = await refusal()
    expect(error).toMatchObject({ name: 'ProvisionError', code: 'NOT_OURS' })
    for (const words of [
      ...services.map(({ database }) => `database "${database}", which belongs to "poc_user"`),
      'bun run db:provision auth product cart --adopt --dry-run',
    ])
      expect(error.message).toContain(words)
    expect(new Set(before.logins)).toEqual(new Set(['connected']))
    expect(await everything()).toEqual(before)
  }, 120_000)

  test('is left as it is by a dry run too, whether it would adopt or not', async () => {
    const before = await everything()
    const options = { adminUrl: server.adminUrl, services }
    const refused = await planProvision(options)
    const adopting = await planProvision({ ...options, adopt: true })
    expect({ refused: refused.refusals.length, stages: refused.stages }).toEqual({ refused: 3, stages: [] })
    expect(adopting.databases.slice(0, 3).map(({ outcome }) => outcome)).toEqual([
      'adopted',
      'adopted',
      'adopted',
    ])
    expect(await everything()).toEqual(before)
  }, 120_000)

  test('has a role of a service’s name: it is refused like a database', async () => {
    await using admin = await openSession(server.adminUrl)
    await admin.run(`CREATE ROLE fresh_app LOGIN PASSWORD 'in use'`)
    const before = await snapshot(server.adminUrl)
    const fresh = renamed(auth, 'fresh')
    const error = await refusal({ services: [fresh] })
    expect(error).toMatchObject({ code: 'NOT_OURS' })
    expect(error.message).toContain('role "fresh_app"')
    expect(error.message).not.toContain('database "')
    expect(await snapshot(server.adminUrl)).toEqual(before)
  })

  test('is not adopted by an admin who may not change it, and nothing else is done then', async () => {
    await using admin = await openSession(server.adminUrl)
    await admin.run(`CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'managed'`)
    const before = await everything()
    const adminUrl = withUrl(server.adminUrl, { login: { name: 'managed', password: 'managed' } })
    const error = await refusal({ adminUrl, services: [renamed(auth, 'other'), auth], adopt: true })
    expect(error).toMatchObject({ code: 'INSUFFICIENT_PRIVILEGE', step: 'make a plan' })
    expect(error.message).toContain(
      'database "auth_db", which belongs to "poc_user": "managed" may not change it',
    )
    expect(await everything()).toEqual(before)
  })

  test('gets databases of other names beside them, and keeps its own way in everywhere', async () => {
    const before = await everything()
    const beside = renamed(auth, 'beside')
    const { warnings } = await provision({ adminUrl: server.adminUrl, services: [beside] })
    const after = await everything()
    const isNew = (line: string): boolean => line.includes('beside')
    expect({
      ...after,
      server: {
        databases: after.server.databases.filter((line) => !isNew(line)),
        roles: after.server.roles.filter((line) => !isNew(line)),
        settings: before.server.settings,
      },
    }).toEqual(before)
    expect(warnings).toEqual([expect.stringContaining('can connect to "postgres" and "template1"')])
    expect(await login(bystander, 'beside_db')).toBe('42501')
    expect(await login(beside.app, 'beside_db')).toBe('connected')
  }, 120_000)

  test('is adopted on request: the service has its rows, its migrator its tables, and nobody else’s are touched', async () => {
    const before = await everything()
    await provision({ adminUrl: server.adminUrl, services: [auth], adopt: true })
    const after = await everything()
    const rest = (lines: string[]): string[] => lines.filter((line) => !/^auth_/.test(line))
    expect({ databases: rest(after.server.databases), roles: rest(after.server.roles) }).toEqual({
      databases: rest(before.server.databases),
      roles: rest(before.server.roles),
    })
    expect(after.server.databases.find((line) => line.startsWith('auth_db'))).toContain(
      'comment a proof of concept\nprovisioned by @shared/postgres for service "auth"',
    )
    expect(after.contents.filter((line) => line.includes('poc_user'))).toEqual([])
    expect(await login(foreigner, 'auth_db')).toBe('42501')

    await using app = await openSession(server.adminUrl, { database: 'auth_db', login: auth.app })
    expect(await app.sql`select id, no, mood, "count""notes"(mood) from "all notes"`).toEqual([
      { id: 1, no: 1, mood: 'good', 'count"notes': '1' },
    ] as never)
    await using migrator = await openSession(server.adminUrl, { database: 'auth_db', login: auth.migrator })
    await migrator.run(`
      ALTER TABLE notes ADD COLUMN text text; ALTER TYPE mood ADD VALUE 'so so'; ALTER TYPE "we""ird" ADD ATTRIBUTE n int;
      ALTER DOMAIN short SET NOT NULL; DROP FUNCTION "count""notes"; DROP SEQUENCE loose;
      INSERT INTO drizzle.__drizzle_migrations VALUES (1)`)
  }, 120_000)

  test('knows what it adopted: a later run needs no leave and has nothing to do', async () => {
    const plan = await planProvision({ adminUrl: server.adminUrl, services: [auth] })
    expect({ refusals: plan.refusals, stages: plan.stages }).toEqual({ refusals: [], stages: [] })
    const own = await checkIsolation({ adminUrl: server.adminUrl, services: [auth] })
    expect(own.matrix.filter(({ database }) => database === 'auth_db').every(({ ok }) => ok)).toBe(true)
  })
})

describe('passwords that were made up', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  test('are for roles that are made, and never replace one that is in use', async () => {
    const { adminUrl } = server
    const services = threeServices().map((service) => ({
      ...service,
      app: { ...service.app, generated: true },
    }))
    await provision({ adminUrl, services })
    const before = await snapshot(adminUrl)
    const others = services.map((service) => ({
      ...service,
      app: { ...service.app, password: 'another', generated: true },
    }))
    const error = await provision({ adminUrl, services: others }).catch((caught) => caught)
    expect(error).toMatchObject({ name: 'ProvisionError', code: 'PASSWORD_UNKNOWN' })
    expect(error.message).toContain('role "auth_app"')
    expect(error.message).toContain('DATABASE_PASSWORD')
    expect(await snapshot(adminUrl)).toEqual(before)
  }, 120_000)
})

function renamed(service: ServiceRoles, name: string): ServiceRoles {
  return {
    service: name,
    database: `${name}_db`,
    owner: `${name}_owner`,
    migrator: { ...service.migrator, name: `${name}_migrator` },
    app: { ...service.app, name: `${name}_app` },
  }
}
