import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession } from '../src/admin-connection.ts'
import { eventually, type Template, templateKey, testPostgres, withDatabase } from '../src/testing/index.ts'
import { provisioningOf, templateName } from '../src/testing/templates.ts'
import { servicesOf } from '../src/testing/test-roles.ts'

const codeOf = (url: string): Promise<string> =>
  openSession(url).then(
    async (session) => {
      await session.close()
      return 'connected'
    },
    (error) => error.code,
  )

function countingTemplate(key: string): Template & { count: number } {
  return {
    key: `${key} ${process.pid}`,
    count: 0,
    async prepare({ migratorUrl }) {
      this.count++
      await using session = await openSession(migratorUrl)
      await session.sql`create table items (id serial primary key, name text not null)`
      await session.sql`insert into items (name) values ('from the template')`
    },
  }
}

describe('withDatabase', () => {
  test('many at once share one preparation and get databases of their own', async () => {
    const template = countingTemplate('many')
    const databases = await Promise.all([1, 2, 3, 4].map(() => withDatabase({ template, service: 'auth' })))
    try {
      expect(template.count).toBe(1)
      expect(new Set(databases.map(({ name }) => name)).size).toBe(4)
      const [first, second] = databases
      await using one = await openSession(first?.appUrl ?? '')
      await using two = await openSession(second?.appUrl ?? '')
      await one.sql`insert into items (name) values ('mine')`
      expect([
        (await one.sql`select id from items`).length,
        (await two.sql`select id from items`).length,
      ]).toEqual([2, 1])
      const [row] =
        await one.sql`select current_user as role, (select tableowner from pg_tables where tablename = 'items') as owner`
      expect(row).toEqual({ role: 'auth_app', owner: 'auth_owner' })
    } finally {
      await Promise.all(databases.map((database) => database.drop()))
    }
  }, 120_000)

  test('a copy is as closed as the original', async () => {
    await using auth = await withDatabase({ service: 'auth' })
    await using cart = await withDatabase({ service: 'cart' })
    const crossed = new URL(auth.appUrl)
    crossed.pathname = `/${cart.name}`
    await using app = await openSession(auth.appUrl)
    expect({
      own: await codeOf(auth.appUrl),
      other: await codeOf(crossed.href),
      ddl: await app.sql`create table mine (id int)`.catch((error) => error.code),
      temporary: await app.sql`create temporary table mine (id int)`.catch((error) => error.code),
      limit: (await app.sql`show idle_in_transaction_session_timeout`)[0]
        ?.idle_in_transaction_session_timeout,
    }).toEqual({ own: 'connected', other: '42501', ddl: '42501', temporary: '42501', limit: '1min' })
  }, 120_000)

  test('a drop ends the sessions that are in, and can be repeated', async () => {
    const database = await withDatabase()
    let closed = false
    await using session = await openSession(database.appUrl, {
      onClose: () => {
        closed = true
      },
    })
    await Promise.all([database.drop(), database.drop()])
    await eventually(() => closed)
    expect(await codeOf(database.adminUrl)).toBe('3D000')
    await session.close()
  }, 120_000)

  test('with a function it returns the result, and drops the database also after an error', async () => {
    let url = ''
    const failing = withDatabase({}, (database) => {
      url = database.adminUrl
      throw new Error('from the test')
    })
    await expect(failing).rejects.toThrow('from the test')
    expect(await codeOf(url)).toBe('3D000')
    expect(await withDatabase({}, ({ name }) => name.startsWith('test_'))).toBe(true)
  }, 120_000)

  test('a failing preparation fails the test that asked, and is tried again for the next', async () => {
    const template = countingTemplate('failing')
    const { prepare } = template
    template.prepare = () => Promise.reject(new Error('migration broken'))
    await expect(withDatabase({ template })).rejects.toThrow('migration broken')
    template.prepare = prepare
    await using database = await withDatabase({ template })
    expect(await codeOf(database.appUrl)).toBe('connected')
  }, 120_000)

  test("a connection limit is that of the database's own role", async () => {
    await using limited = await withDatabase({ service: 'auth', connectionLimit: 1 })
    await using free = await withDatabase({ service: 'auth' })
    await using _one = await openSession(limited.appUrl)
    expect([await codeOf(limited.appUrl), await codeOf(free.appUrl)]).toEqual(['53300', 'connected'])
    expect(new URL(limited.appUrl).username).toMatch(/^auth_.*_app$/)
  }, 120_000)

  test('what a dead run left is dropped by the next process, and what a live run has is kept', async () => {
    const { adminUrl } = await testPostgres()
    await using mine = await withDatabase()
    await using admin = await openSession(adminUrl)
    await admin.sql`create database test_deadbeef_1`
    const child = Bun.spawnSync([process.execPath, join(import.meta.dir, 'support/one-database.ts')], {
      env: { ...process.env, TEST_DATABASE_ADMIN_URL: adminUrl },
      stderr: 'inherit',
    })
    expect(child.exitCode).toBe(0)
    const rows =
      await admin.sql`select datname from pg_database where datname in ('test_deadbeef_1', ${mine.name})`
    expect(rows.map(({ datname }) => datname)).toEqual([mine.name])
  }, 120_000)

  test('a provisioner that grants something else makes a template of its own', async () => {
    const { adminUrl } = await testPostgres()
    const template = countingTemplate('provisioner')
    await using _database = await withDatabase({ template, service: 'auth' })
    const now = provisioningOf(servicesOf(adminUrl, 'auth', 'template'))
    const names = [
      now,
      { ...now, create: `${now.create} CONNECTION LIMIT 5` },
      { ...now, doors: now.doors.slice(1) },
      { ...now, inside: [...now.inside, 'GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO auth_app'] },
    ].map((provisioning) => templateName(provisioning, template))
    await using admin = await openSession(adminUrl)
    const made = await admin.sql`select datname from pg_database where datname in ${admin.sql(names)}`
    expect({ made: made.map(({ datname }) => datname), names: new Set(names).size }).toEqual({
      made: names.slice(0, 1),
      names: 4,
    })
  }, 120_000)

  test('the template key changes with the content of a migration and with its name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
    try {
      writeFileSync(join(folder, '0000_a.sql'), 'select 1')
      const first = templateKey(folder)
      const again = templateKey(folder)
      writeFileSync(join(folder, '0000_a.sql'), 'select 2')
      const second = templateKey(folder)
      writeFileSync(join(folder, '0001_b.sql'), '')
      expect({ again: again === first, keys: new Set([first, second, templateKey(folder)]).size }).toEqual({
        again: true,
        keys: 3,
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
