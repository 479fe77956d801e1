import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pgBouncerPrograms, startPgBouncer, startTestServer, type TestServer } from '@shared/postgres/testing'
import { SQL } from 'bun'
import { runCli } from './command-line.ts'

const passwords = { DATABASE_PASSWORD: 'app-of-this-test', MIGRATION_PASSWORD: 'migrator-of-this-test' }

describe.each(pgBouncerPrograms())('db:migrate behind PgBouncer $version', (program) => {
  let server: TestServer
  const folder = mkdtempSync(join(tmpdir(), 'direct-url-'))
  const urlOf = (user: string, password: string) =>
    `postgresql://${user}:${password}@${server.host}:${server.port}/auth_db`

  beforeAll(async () => {
    server = await startTestServer()
    const given = { ...passwords, DATABASE_ADMIN_URL: server.adminUrl }
    expect(await runCli(['db:provision', 'auth'], given)).toMatchObject({ exitCode: 0 })
  }, 120_000)
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await server[Symbol.asyncDispose]()
  }, 120_000)

  /** Migrates with the service's URL leading through a pooler, and says what was left on the server. */
  async function migrateThrough(settings: Record<string, string>, given: Record<string, string> = {}) {
    const urls = [
      urlOf('auth_app', passwords.DATABASE_PASSWORD),
      urlOf('auth_migrator', passwords.MIGRATION_PASSWORD),
    ]
    await using pooler = await startPgBouncer({ program, urls, settings })
    const pooled = { ...passwords, DATABASE_URL: pooler.url(urls[0] as string) }
    const { exitCode, stdout, stderr } = await runCli(['db:migrate', 'auth'], { ...pooled, ...given })
    const output = stdout + stderr
    for (const secret of Object.values(passwords)) expect(output).not.toContain(secret)
    await using sql = new SQL(Object.assign(new URL(server.adminUrl), { pathname: '/auth_db' }).href, {
      max: 1,
    })
    const [left] = await sql`select (select count(*)::int from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())) as locks,
      to_regclass('drizzle.__drizzle_migrations') is not null as is_migrated`
    return { exitCode, output, ...left }
  }

  test('in transaction mode is refused, and works with DATABASE_DIRECT_URL, which may be a file', async () => {
    const refused = await migrateThrough({})
    expect(refused).toEqual({
      exitCode: 1,
      output: expect.stringMatching(/^auth: .* pooler .*pool_mode = transaction.*DATABASE_DIRECT_URL/),
      locks: 0,
      is_migrated: false,
    })

    const elsewhere = { DATABASE_DIRECT_URL: `postgresql://${server.host}:${server.port}/product_db` }
    expect(await migrateThrough({}, elsewhere)).toEqual({
      exitCode: 78,
      output: expect.stringContaining('auth owns auth_db, DATABASE_DIRECT_URL names product_db'),
      locks: 0,
      is_migrated: false,
    })

    const direct = `postgresql://${server.host}:${server.port}`
    const file = join(folder, `direct-${program.version}`)
    writeFileSync(file, `${direct}/auth_db\n`)
    const outcomes = [
      await migrateThrough({}, { DATABASE_DIRECT_URL: direct }),
      await migrateThrough({}, { DATABASE_DIRECT_URL_FILE: file }),
    ]
    expect(outcomes).toEqual([
      { exitCode: 0, output: expect.stringMatching(/migrated auth_db: [1-9]/), locks: 0, is_migrated: true },
      {
        exitCode: 0,
        output: expect.stringMatching(/migrated auth_db: 0 applied/),
        locks: 0,
        is_migrated: true,
      },
    ])
  }, 120_000)

  test('in session mode works as without a pooler', async () => {
    expect(await migrateThrough({ pool_mode: 'session' })).toEqual({
      exitCode: 0,
      output: expect.stringMatching(/migrated auth_db: \d+ applied/),
      locks: 0,
      is_migrated: true,
    })
  }, 120_000)
})
