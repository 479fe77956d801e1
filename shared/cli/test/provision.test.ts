import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startTestServer, type TestServer } from '@shared/postgres/testing'
import { SQL } from 'bun'
import { findServices } from '../src/workspace/services.ts'
import { runCli } from './command-line.ts'
import { startDev } from './dev-process.ts'

const services = await findServices([])
const databases = services.map(({ database }) => database)
const passwords = { DATABASE_PASSWORD: 'app-of-this-test', MIGRATION_PASSWORD: 'migrator-of-this-test' }

describe('a server on which the databases belong to others', () => {
  let server: TestServer
  const admin = () => ({ DATABASE_ADMIN_URL: server.adminUrl })

  const query = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
    await using sql = new SQL(url, { max: 1 })
    return [...(await sql.unsafe(text))]
  }
  const state = () =>
    query(
      server.adminUrl,
      `select 'database' as kind, datname as name, datdba::regrole::text as owner, datacl::text as acl,
         shobj_description(oid, 'pg_database') as comment from pg_database
       union all select 'role', rolname, rolcanlogin::text, rolpassword, shobj_description(oid, 'pg_authid')
         from pg_authid order by kind, name`,
    )
  const loginOf = async (user: string, database: string): Promise<string> => {
    const url = new URL(server.adminUrl)
    Object.assign(url, { username: user, password: user, pathname: `/${database}` })
    return await query(url.href, 'select').then(
      () => 'connected',
      (error) => String(error),
    )
  }
  const localFiles = () => services.map(({ folder }) => existsSync(join(folder, '.env.local')))

  beforeAll(async () => {
    server = await startTestServer()
    const statements = [
      `CREATE ROLE poc_user LOGIN PASSWORD 'poc_user'`,
      `CREATE ROLE bystander LOGIN PASSWORD 'bystander'`,
      ...databases.map((database) => `CREATE DATABASE ${database} OWNER poc_user`),
    ]
    for (const statement of statements) await query(server.adminUrl, statement)
  }, 120_000)
  afterAll(() => server[Symbol.asyncDispose](), 120_000)

  test.each([
    ['dev', () => startDev([], admin())],
    ['dev with passwords', () => startDev([], { ...admin(), ...passwords })],
  ])(
    '%s changes nothing there, writes no file, and prints what to do',
    async (_, start) => {
      const before = { state: await state(), files: localFiles() }
      await using dev = start()
      expect(await dev.exited).toBe(1)
      for (const database of databases)
        expect(dev.output()).toContain(`database "${database}", which belongs to "poc_user"`)
      expect(dev.output()).toContain('--adopt --dry-run')
      expect({ state: await state(), files: localFiles() }).toEqual(before)
      const logins = databases.flatMap((database) => [
        loginOf('poc_user', database),
        loginOf('bystander', database),
      ])
      const outcomes = await Promise.all([...logins, loginOf('bystander', 'postgres')])
      expect(outcomes.filter((outcome) => outcome !== 'connected')).toEqual([])
    },
    120_000,
  )

  test('db:provision refuses a committed password that was given on purpose, before it looks at the server', async () => {
    const before = await state()
    const given = { ...admin(), ...passwords, DATABASE_PASSWORD: 'product_app_local' }
    const { exitCode, stderr } = await runCli(['db:provision', 'auth', '--adopt'], given)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('auth: the password given for "auth_app" is one that is in this repository')
    expect(stderr).not.toContain('product_app_local')
    expect(await state()).toEqual(before)
  }, 120_000)

  test('db:provision --dry-run --adopt prints what --adopt does, and only that does it', async () => {
    const before = await state()
    const given = { ...admin(), ...passwords }
    const refused = await runCli(['db:provision', 'auth', '--dry-run'], given)
    const dry = await runCli(['db:provision', 'auth', '--adopt', '--dry-run'], given)
    expect({ refused: refused.exitCode, dry: dry.exitCode, state: await state() }).toEqual({
      refused: 1,
      dry: 0,
      state: before,
    })
    expect(refused.stdout).toContain('database "auth_db", which belongs to "poc_user"')
    const real = await runCli(['db:provision', 'auth', '--adopt'], given)
    const plan = (text: string): string[] => text.split('\n').filter((line) => /^(plan:| {2})/.test(line))
    expect(plan(dry.stdout)).toContain('      ALTER DATABASE "auth_db" OWNER TO "auth_owner";')
    expect({ exitCode: real.exitCode, plan: plan(real.stdout) }).toEqual({
      exitCode: 0,
      plan: plan(dry.stdout),
    })
    expect(real.stdout).toContain('provisioned auth_db (adopted)')
    const migrated = await runCli(['db:migrate', 'auth'], given)
    const reached = await runCli(['connections', 'auth'], given)
    expect({ migrated: migrated.exitCode, reached: reached.exitCode }).toEqual({ migrated: 0, reached: 0 })
    expect(await loginOf('poc_user', 'product_db')).toBe('connected')
  }, 120_000)
})
