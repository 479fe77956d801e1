import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { createDatabase } from '../src/index.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { firstRow } from './support.ts'
import { startTlsServer, type TlsServer } from './tls-server.ts'

let tls: TlsServer
let authority: Authority
let folder: string

const socketFolder = () => join(folder, 'project:region:instance')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'providers-'))
  chmodSync(folder, 0o755)
  mkdirSync(socketFolder())
  // The server runs as a user of its own.
  chmodSync(socketFolder(), 0o777)
  authority = createAuthority('The provider')
  tls = await startTlsServer({ unix_socket_directories: socketFolder() })
  await tls.use(authority.issue(['localhost']))
  await tls.server.database()
  for (const role of ['app', 'postgres.ref', 'app@server']) {
    await tls.admin.db.execute(sql.raw(`create role "${role}" login password 'p@ss'`))
    await tls.admin.db.execute(sql.raw(`grant connect on database test_db to "${role}"`))
  }
  // No TLS, no login; and none that is not by SCRAM.
  await tls.addAccessRule(
    'local all all scram-sha-256\nhostnossl all app all reject\nhostssl all app all scram-sha-256',
  )
  writeFileSync(join(folder, 'bundle.pem'), authority.certificate)
  writeFileSync(join(folder, 'pgpass'), 'localhost:*:test_db:app:p@ss\n', { mode: 0o600 })
}, 60_000)

afterAll(async () => {
  await tls[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

/** A string as a provider or another stack hands it out, and what is to be seen of the connection. */
const strings: Record<string, [string: (port: number) => string, seen: object]> = {
  Neon: [
    (port) => `postgresql://app:p%40ss@localhost:${port}/test_db?sslmode=require&channel_binding=require`,
    { user: 'app', ssl: true },
  ],
  'Supabase, for Prisma': [
    (port) =>
      `postgresql://postgres.ref:p%40ss@localhost:${port}/test_db?pgbouncer=true&connection_limit=1&pool_timeout=10&schema=app`,
    { user: 'postgres.ref', path: '"app"', poolSize: 1, notes: 1 },
  ],
  'Amazon RDS': [
    (port) =>
      `postgresql://app:p%40ss@localhost:${port}/test_db?sslmode=verify-full&sslrootcert=${join(folder, 'bundle.pem')}`,
    { user: 'app', ssl: true },
  ],
  'Google Cloud SQL': [
    (port) => `postgresql://app:p%40ss@localhost:${port}/test_db?host=${socketFolder()}`,
    { user: 'app', ssl: false },
  ],
  Azure: [
    (port) => `host=localhost port=${port} dbname=test_db user=app@server password='p@ss' sslmode=require`,
    { user: 'app@server', ssl: true },
  ],
  'Heroku, with an @ that is not escaped': [
    (port) => `postgres://app:p@ss@localhost:${port}/test_db?sslmode=require`,
    { user: 'app', ssl: true },
  ],
  'node-postgres': [
    (port) => `postgres://app:p%40ss@localhost:${port}/test_db?ssl=true&application_name=own`,
    { user: 'app', ssl: true, name: 'own' },
  ],
  SQLAlchemy: [
    (port) =>
      `postgresql+asyncpg://app:p%40ss@/test_db?host=localhost:${port}&ssl=require&pool_size=3&max_overflow=0`,
    { user: 'app', ssl: true, poolSize: 3 },
  ],
  JDBC: [
    (port) =>
      `jdbc:postgresql://localhost:${port}/test_db?user=app&password=p%40ss&ssl=true&currentSchema=app`,
    { user: 'app', ssl: true, path: '"app"' },
  ],
  'libpq, with a password file and options': [
    (port) =>
      `postgresql://app@localhost:${port}/test_db?sslmode=require&passfile=${join(folder, 'pgpass')}&options=-c%20search_path%3Dapp`,
    { user: 'app', ssl: true, path: 'app' },
  ],
}

test.each(Object.entries(strings))(
  'a string of %s connects, and means what it means there',
  async (_, [string, expected]) => {
    const database = createDatabase({ name: 'providers', url: string(tls.server.port) })
    try {
      const seen = await firstRow<Record<string, unknown>>(
        database.db.execute(
          sql`select current_user as user, ssl, current_setting('search_path') as path, current_setting('application_name') as name
              from pg_stat_ssl where pid = pg_backend_pid()`,
        ),
      )
      const { poolSize } = database.status()
      const notes = database.events().filter(({ type }) => type === 'parameters-ignored').length
      expect<object>({ ...seen, poolSize, notes }).toMatchObject({ notes: 0, ...expected })
    } finally {
      await database.close({ timeoutMs: 0 })
    }
  },
  60_000,
)
