import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTestServer, type TestServer } from '@shared/postgres/testing'
import { SQL } from 'bun'
import { findServices, type Service } from '../../src/workspace/services.ts'
import { copyWorkspace, type WorkspaceCopy } from '../new-service/workspace-copy.ts'

let copy: WorkspaceCopy
let server: TestServer
let services: Service[]

const query = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
  await using sql = new SQL(url, { max: 1 })
  return [...(await sql.unsafe(text))]
}
const urlOf = (database: string, user = 'poc_user'): string => {
  const url = new URL(server.adminUrl)
  Object.assign(url, { username: user, password: user, pathname: `/${database}` })
  return url.href
}
/** The tables of the first migration, made by something else than drizzle-orm. */
const firstMigration = ({ service }: Service): string =>
  readFileSync(join(copy.root, `drizzle/${service}/migrations/0000_init.sql`), 'utf8')

/** What the Python services had: one role that owns three databases, and the variables of their settings. */
beforeAll(async () => {
  copy = await copyWorkspace()
  server = await startTestServer()
  services = await findServices([], copy.root)
  await query(server.adminUrl, `CREATE ROLE poc_user LOGIN PASSWORD 'poc_user'`)
  for (const service of services) {
    const { database } = service
    await query(server.adminUrl, `CREATE DATABASE ${database} OWNER poc_user`)
    for (const statement of firstMigration(service).split('--> statement-breakpoint'))
      await query(urlOf(database), statement)
    await query(
      urlOf(database),
      `CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('1')`,
    )
    writeFileSync(
      join(copy.root, 'services', service.service, '.env.local'),
      [
        `DATABASE_URL=${urlOf(database).replace('postgres://', 'postgresql+asyncpg://')}`,
        'POOL_SIZE=5',
        'MAX_OVERFLOW=10',
        'POOL_TIMEOUT=30',
        'POOL_RECYCLE=1800',
        'POOL_PRE_PING=True',
        'SQL_ECHO=False',
        'LOG_LEVEL=INFO',
        '',
      ].join('\n'),
    )
  }
  await query(
    urlOf('product_db'),
    `INSERT INTO products (sku, name, price_minor, currency) VALUES ('P-1', 'From Python', 100, 'EUR')`,
  )
}, 120_000)
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  copy?.remove()
}, 120_000)

const cli = (words: readonly string[]) =>
  copy.run(['shared/cli/bin.ts', ...words], { DATABASE_ADMIN_URL: server.adminUrl })
const commandsOf = (text: string): string[] =>
  [...text.matchAll(/^ {5}bun run (.+)$/gm)].map(([, command = '']) => command)

describe('doctor, for services of Python with one role', () => {
  let first: { exitCode: number; stdout: string; stderr: string }

  test('lists what works and what to change, in order, with the commands', async () => {
    first = await cli(['doctor'])
    const names = services.map(({ service }) => service).join(' ')
    expect({ exitCode: first.exitCode, commands: commandsOf(first.stdout) }).toEqual({
      exitCode: 1,
      commands: [
        `doctor ${names} --fix`,
        `db:provision ${names} --adopt --dry-run`,
        `db:provision ${names} --adopt`,
        `db:baseline ${names}`,
        `db:migrate ${names}`,
        'doctor',
      ],
    })
    for (const line of [
      'works  auth: DATABASE_URL is read; its driver (+asyncpg) means nothing here',
      'works  product: "poc_user" reaches product_db on PostgreSQL 18.4, with 3 tables',
      'services/cart/.env.local: POOL_SIZE is called DATABASE_POOL_SIZE here',
      'services/cart/.env.local: SQL_ECHO is not needed: statements are never logged',
      'services/auth/.env.local: DATABASE_URL names "poc_user"',
      `"poc_user" is the login of ${names}`,
      'auth: migrations cannot be read as "auth_migrator" (MIGRATION_USER, MIGRATION_PASSWORD): ',
      'auth: alembic_version stays',
    ])
      expect(first.stdout).toContain(line)
    expect(first.stdout + first.stderr).not.toContain(':poc_user@')
  }, 120_000)

  test('its commands, followed word for word, end isolated, with all data there', async () => {
    const outcomes: string[] = []
    let last = ''
    for (const command of commandsOf(first.stdout)) {
      const { exitCode, stdout, stderr } = await cli(command.split(' '))
      outcomes.push(`${command.split(' ')[0]} ${exitCode}`)
      last = stdout + (exitCode === 0 ? '' : stderr)
    }
    expect(last).toContain("isolated: each role reaches its own database and no other service's")
    expect(outcomes).toEqual([
      'doctor 0',
      'db:provision 0',
      'db:provision 0',
      'db:baseline 0',
      'db:migrate 0',
      'doctor 0',
    ])
    const rows = await query(
      new URL('/product_db', server.adminUrl).href,
      'select p.name, (select version_num from alembic_version) as alembic from products p',
    )
    const old = await query(urlOf('product_db'), 'select').then(
      () => 'connected',
      (error) => String(error.errno ?? error.code),
    )
    const local = join(copy.root, 'services/product/.env.local')
    const variables = readFileSync(local, 'utf8')
    expect({
      rows,
      old,
      kept: existsSync(join(copy.root, 'services/product/.env.before-doctor.local')),
      mode: (statSync(join(copy.root, 'services/product/.env.before-doctor.local')).mode & 0o777).toString(8),
      pool: /^DATABASE_POOL_SIZE=5$/m.test(variables),
      login: /poc_user/.test(variables),
    }).toEqual({
      rows: [{ name: 'From Python', alembic: '1' }],
      old: '42501',
      kept: true,
      mode: '600',
      pool: true,
      login: false,
    })
  }, 120_000)
})
