import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openSession } from '../src/admin-connection.ts'
import { planProvision, provision, type ServiceRoles } from '../src/index.ts'
import { startTestServer, type TestServer } from '../src/testing/private-servers.ts'
import { contents, snapshot } from './support/snapshot.ts'
import { startStatementCutter } from './support/statement-cutter.ts'

describe('a connection lost at any step of provisioning', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    await using admin = await openSession(server.adminUrl)
    await admin.run('CREATE ROLE poc_user LOGIN')
    await admin.run('CREATE DATABASE poc_db OWNER poc_user')
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  /** Provisions through a cut; `seen` are the statements so far. */
  async function attempt(service: ServiceRoles, cut: { at: number; answer: boolean }, adopt: boolean) {
    await using cutter = await startStatementCutter(server, cut)
    const { adminUrl } = server
    const outcome = await provision({ adminUrl: cutter.url(adminUrl), services: [service], adopt }).then(
      () => 'done',
      (error) => error.name,
    )
    return { outcome, seen: cutter.seen }
  }
  /** Waits for the end of what a lost connection left on the server, as its locks are in the way. */
  async function settled(): Promise<void> {
    await using admin = await openSession(server.adminUrl)
    await admin.sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'provisioner'`
  }
  const leftToDo = async (services: ServiceRoles[]): Promise<number> =>
    (await planProvision({ adminUrl: server.adminUrl, services })).stages.length

  test('leaves everything of others as it was, and the second run completes what the first began', async () => {
    const before = await snapshot(server.adminUrl)
    const isNew = (line: string): boolean => /^new\d+_/.test(line)
    const whole = await attempt(serviceOf('new0'), { at: 0, answer: false }, false)
    expect(whole.outcome).toBe('done')
    expect(whole.seen.filter((text) => text.startsWith('CREATE DATABASE'))).toHaveLength(1)
    const failures: unknown[] = []
    for (const [index, cut] of cutsOf(whole.seen).entries()) {
      const service = serviceOf(`new${index + 1}`)
      const { outcome } = await attempt(service, cut, false)
      await settled()
      const after = await snapshot(server.adminUrl)
      const others = {
        databases: after.databases.filter((line) => !isNew(line)),
        roles: after.roles.filter((line) => !isNew(line)),
      }
      const second = await attempt(service, { at: 0, answer: false }, false)
      const result = { cut, outcome, second: second.outcome, left: await leftToDo([service]) }
      const expected = { cut, outcome: 'ProvisionError', second: 'done', left: 0 }
      if (!Bun.deepEquals(result, expected)) failures.push(result)
      if (!Bun.deepEquals(others, { databases: before.databases, roles: before.roles }))
        failures.push({ cut, others })
    }
    expect(failures).toEqual([])
  }, 180_000)

  test('leaves a database that is being adopted with its owner, until everything in it has changed hands', async () => {
    const make = async (name: string): Promise<void> => {
      await using admin = await openSession(server.adminUrl)
      await admin.run(`CREATE DATABASE ${name}_db OWNER poc_user`)
      await using inside = await openSession(server.adminUrl, { database: `${name}_db` })
      await inside.run('CREATE TABLE notes (id serial); ALTER TABLE notes OWNER TO poc_user')
    }
    const state = async (name: string): Promise<string[]> => [
      ...(await snapshot(server.adminUrl)).databases.filter((line) => line.startsWith(`${name}_db`)),
      ...(await contents(server.adminUrl, `${name}_db`)),
    ]
    await make('old0')
    const whole = await attempt(serviceOf('old0'), { at: 0, answer: false }, true)
    const commit = whole.seen.lastIndexOf('COMMIT')
    // The database's own transaction, then the one with the mark, then the sessions.
    expect(whole.seen.slice(commit - 1).map((text) => text.slice(0, 25))).toEqual([
      'COMMIT',
      'COMMIT',
      'SELECT pg_terminate_backe',
    ])
    const failures: unknown[] = []
    for (const [index, cut] of cutsOf(whole.seen).entries()) {
      const name = `old${index + 1}`
      await make(name)
      const before = await state(name)
      const { outcome } = await attempt(serviceOf(name), cut, true)
      await settled()
      // Counted from 1, the first of the two commits has this number.
      const isUnchanged = cut.at < commit || (cut.at === commit && !cut.answer)
      const same = Bun.deepEquals(await state(name), before)
      const second = await attempt(serviceOf(name), { at: 0, answer: false }, true)
      const result = { cut, outcome, second: second.outcome, left: await leftToDo([serviceOf(name)]) }
      const expected = { cut, outcome: 'ProvisionError', second: 'done', left: 0 }
      if (!Bun.deepEquals(result, expected)) failures.push(result)
      if (isUnchanged && !same) failures.push({ cut, changed: true })
    }
    expect(failures).toEqual([])
  }, 180_000)

  test('is no way for a statement to run on a new connection, outside its transaction', async () => {
    await using cutter = await startStatementCutter(server, { at: 2, answer: false })
    await using session = await openSession(cutter.url(server.adminUrl))
    await session.run('BEGIN')
    expect(await session.run('CREATE ROLE lost').catch((error) => error.code)).toBe('CONNECTION_CLOSED')
    expect(await session.run('CREATE ROLE stray').catch((error) => error.code)).toBe('CONNECTION_CLOSED')
    await using admin = await openSession(server.adminUrl)
    expect(await admin.sql`select from pg_roles where rolname in ('lost', 'stray')`).toHaveLength(0)
  })
})

/** At each statement; with only its answer lost too where that makes a difference, as the statement is then final. */
function cutsOf(statements: readonly string[]): { at: number; answer: boolean }[] {
  return statements.flatMap((statement, index) => {
    const at = index + 1
    if (statement === 'BEGIN') return []
    const isFinal = statement === 'COMMIT' || statement.startsWith('CREATE DATABASE')
    return isFinal ? [false, true].map((answer) => ({ at, answer })) : [{ at, answer: false }]
  })
}

function serviceOf(name: string): ServiceRoles {
  return {
    service: name,
    database: `${name}_db`,
    owner: `${name}_owner`,
    migrator: { name: `${name}_migrator`, password: 'm' },
    app: { name: `${name}_app`, password: 'a', connectionLimit: 5 },
  }
}
