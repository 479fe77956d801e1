import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { openSession } from '../src/admin-connection.ts'
import {
  checkIsolation,
  type ProvisionPlan,
  planProvision,
  provision,
  renderPlan,
  type ServiceRoles,
} from '../src/index.ts'
import { startTestServer, type TestServer } from '../src/testing/private-servers.ts'
import { threeServices } from './support/services.ts'
import { snapshot } from './support/snapshot.ts'

describe('the plan', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ settings: { log_statement: 'mod', log_line_prefix: '%a ' } })
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  /** What the provisioner changed by, as the server logged it. */
  const logged = (): string[] => {
    const text = readFileSync(server.logFile, 'utf8')
    return [...text.matchAll(/^provisioner LOG: {2}statement: (.*(?:\n\t.*)*)/gm)].map(([, statement = '']) =>
      statement.replaceAll('\n\t', '\n'),
    )
  }

  test('of a dry run is printed as the real one is, changes nothing, and shows no password', async () => {
    const options = { adminUrl: server.adminUrl, services: threeServices(), closeSharedDatabases: true }
    const before = await snapshot(server.adminUrl)
    const dry = renderPlan(await planProvision(options))
    expect({ logged: logged(), after: await snapshot(server.adminUrl) }).toEqual({
      logged: [],
      after: before,
    })
    let executed: ProvisionPlan | undefined
    await provision({
      ...options,
      onPlan(plan) {
        executed = plan
      },
    })
    expect(executed && renderPlan(executed)).toEqual(dry)
    expect(dry.join('\n')).toContain(
      `CREATE ROLE "auth_app" LOGIN NOINHERIT CONNECTION LIMIT 20 PASSWORD '***'`,
    )
    expect(dry.join('\n')).not.toContain('SCRAM')

    const sent = executed?.stages
      .flatMap(({ steps }) => steps)
      .map(({ statements }) => statements.join(';\n'))
    const changes = sent?.filter((statement) => !statement.startsWith('SELECT'))
    expect(logged()).toEqual(changes ?? [])
  }, 120_000)

  test('that somebody refuses is not begun', async () => {
    const before = await snapshot(server.adminUrl)
    const services = [oddService()]
    const refused = provision({
      adminUrl: server.adminUrl,
      services,
      onPlan() {
        throw new Error('not today')
      },
    })
    await expect(refused).rejects.toThrow('not today')
    expect(await snapshot(server.adminUrl)).toEqual(before)
  })

  test('quotes what names and comments may hold', async () => {
    const services = [oddService()]
    await provision({ adminUrl: server.adminUrl, services, closeSharedDatabases: true })
    const { findings } = await checkIsolation({ adminUrl: server.adminUrl, services })
    const again = await planProvision({ adminUrl: server.adminUrl, services })
    expect({ findings, stages: again.stages }).toEqual({ findings: [], stages: [] })
  }, 120_000)

  test('is empty where all is in order, and holds the one thing that is not', async () => {
    const [auth, , cart] = threeServices()
    const services = [auth, cart].filter((service) => service !== undefined)
    const options = { adminUrl: server.adminUrl, services }
    expect(renderPlan(await planProvision(options))).toEqual(['plan: nothing to do'])
    const drifts: [database: string, drift: string, expected: string[]][] = [
      ['postgres', 'ALTER ROLE auth_app CREATEDB', ['role "auth_app"']],
      ['postgres', 'GRANT cart_owner TO auth_app', ['memberships of service "auth"']],
      ['postgres', 'GRANT TEMPORARY ON DATABASE auth_db TO PUBLIC', ['privileges on database "auth_db"']],
      ['postgres', 'ALTER ROLE auth_app IN DATABASE auth_db RESET ALL', ['privileges on database "auth_db"']],
      ['auth_db', 'GRANT CREATE ON SCHEMA public TO PUBLIC', ['schemas of database "auth_db"']],
      ['auth_db', 'ALTER SCHEMA drizzle OWNER TO postgres', ['schemas of database "auth_db"']],
      ['auth_db', 'CREATE TABLE by_admin (id serial)', ['schemas of database "auth_db"']],
      [
        'auth_db',
        'ALTER DEFAULT PRIVILEGES FOR ROLE auth_owner GRANT EXECUTE ON ROUTINES TO PUBLIC',
        ['schemas of database "auth_db"'],
      ],
    ]
    for (const [database, drift, expected] of drifts) {
      await using session = await openSession(server.adminUrl, { database })
      await session.run(drift)
      const plan = await planProvision(options)
      const steps = plan.stages.flatMap((stage) => stage.steps).map(({ name }) => name)
      expect({ drift, steps }).toEqual({ drift, steps: [...expected, 'end sessions that may not be there'] })
      await provision(options)
    }
    expect(renderPlan(await planProvision(options))).toEqual(['plan: nothing to do'])
  }, 120_000)

  test('of two admins in different databases at once does nothing twice and harms nothing', async () => {
    const services = threeServices().map((service) => ({
      ...service,
      ...oddNames(`twin_${service.service}`),
    }))
    await using admin = await openSession(server.adminUrl)
    await admin.run('CREATE DATABASE elsewhere')
    const other = new URL(server.adminUrl)
    other.pathname = '/elsewhere'
    const runs = [server.adminUrl, other.href].map((adminUrl) => provision({ adminUrl, services }))
    const outcomes = await Promise.allSettled(runs)
    expect(outcomes.map(({ status }) => status)).toContain('fulfilled')
    await provision({ adminUrl: other.href, services })
    expect((await planProvision({ adminUrl: server.adminUrl, services })).stages).toEqual([])
  }, 120_000)
})

function oddNames(name: string) {
  return {
    service: name,
    database: `${name}_db`,
    owner: `${name}_owner`,
    migrator: { name: `${name}_migrator`, password: 'm' },
    app: { name: `${name}_app`, password: 'a', connectionLimit: 5 },
  }
}

function oddService(): ServiceRoles {
  return oddNames(`Odd "one" 'two' \\ $1 %s;--`)
}
