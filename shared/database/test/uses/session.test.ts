import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pgBouncerPrograms, startFaultProxy, startPgBouncer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { ConfigurationError, type Database, findDatabaseError, sqlState } from '../../src/index.ts'
import { createFixture, type Fixture, firstRow } from '../support.ts'

const notes = pgTable('session_notes', { tenant: text().notNull(), n: integer().notNull() })
const tenants = Array.from({ length: 64 }, (_, index) => `tenant-${index}`)
let fixture: Fixture

beforeAll(async () => {
  fixture = await createFixture({ pool: { poolSize: 3, maxOverflow: 1 } })
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`
    create table session_notes (tenant text not null, n int not null);
    alter table session_notes enable row level security;
    create policy own on session_notes
      using (tenant = current_setting('app.tenant', true)) with check (tenant = current_setting('app.tenant', true))`)
})
afterAll(() => fixture[Symbol.asyncDispose]())

type Plain = Record<string, never>
const seenBy = (database: Database<Plain>, tenant: string) =>
  database.session({ settings: { 'app.tenant': tenant } }, async (tx) => {
    const rows = await tx.select().from(notes)
    return [...new Set(rows.map((row) => row.tenant))]
  })

/** What the connections of the pool show to who has no session. */
const leftOn = async (database: Database<Plain>) => {
  const seen = await Promise.all(
    Array.from({ length: 12 }, () =>
      database.db.transaction(
        async (tx) =>
          await firstRow<{ tenant: string | null; rows: number; role: boolean }>(
            tx.execute(sql`select nullif(current_setting('app.tenant', true), '') as tenant,
              (select count(*)::int from session_notes) as rows, current_user = session_user as role`),
          ),
      ),
    ),
  )
  return seen.filter(({ tenant, rows, role }) => tenant !== null || rows > 0 || !role)
}

/** Writes and reads as 64 tenants at once; gives what anybody saw of others. */
async function mixUp(database: Database<Plain>): Promise<string[]> {
  await Promise.all(
    tenants.map((tenant, n) =>
      database.session({ settings: { 'app.tenant': tenant } }, (tx) =>
        tx.insert(notes).values({ tenant, n }),
      ),
    ),
  )
  const wrong = await Promise.all(
    [...tenants, ...tenants].map(async (tenant, n) => {
      const failing = n % 3 === 0
      const seen = await database
        .session({ settings: { 'app.tenant': tenant } }, async (tx) => {
          const rows = await tx.select().from(notes)
          if (failing) throw rows.map((row) => row.tenant)
          return rows.map((row) => row.tenant)
        })
        .catch((thrown: string[]) => thrown)
      return seen.length === 1 && seen[0] === tenant ? [] : [`${tenant} saw ${seen}`]
    }),
  )
  return wrong.flat()
}

describe('session()', () => {
  test('gives 64 tenants on four connections their own rows, and leaves nothing behind', async () => {
    const { database } = fixture
    const wrong = await mixUp(database)
    expect({ wrong, left: await leftOn(database), size: database.status().total <= 4 }).toEqual({
      wrong: [],
      left: [],
      size: true,
    })
  })

  test('refuses a row of somebody else, and leaves nothing after the failure', async () => {
    const { database } = fixture
    const error = await database
      .session({ settings: { 'app.tenant': 'tenant-1' } }, (tx) =>
        tx.insert(notes).values({ tenant: 'tenant-2', n: 0 }),
      )
      .catch((thrown: unknown) => thrown)
    expect({ state: sqlState(error), left: await leftOn(database) }).toEqual({ state: '42501', left: [] })
  })

  test('takes one round trip for BEGIN and its settings together, on a connection that has never seen them too', async () => {
    const { hostname, port } = new URL(fixture.test.appUrl)
    await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
    const database = fixture.open({
      name: 'counted',
      url: proxy.url(fixture.test.appUrl),
      // A busy machine is no reason to ask anything more.
      pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 },
      connection: { definitionsCheckMs: 0, stallAfterMs: 0 },
    })
    await database.connect()
    const counts: Record<string, number> = {}
    const count = async (name: string, work: () => Promise<unknown>) => {
      const before = proxy.roundTrips
      await work()
      counts[name] = proxy.roundTrips - before
    }
    const settings = { 'app.tenant': 'a', 'app.user_id': 7 }
    for (const name of ['first', 'second'])
      await count(name, () => database.session({ settings }, (tx) => tx.execute(sql`select 1`)))
    await count('with a level', () =>
      database.session({ settings, isolationLevel: 'serializable' }, (tx) => tx.execute(sql`select 1`)),
    )
    await count('a transaction', () => database.db.transaction((tx) => tx.execute(sql`select 1`)))
    expect(counts).toEqual({ first: 3, second: 3, 'with a level': 3, 'a transaction': 2 })
  })

  test('sends values as they are: quotes, backslashes, other scripts, numbers', async () => {
    const settings = {
      'app.a': `it's "a" \\ $1 ; drop`,
      'app.b': 'žluťoučký 🐎',
      'app.c': 12n,
      'app.d': false,
      'app.e': '',
    }
    const seen = await fixture.database.session({ settings }, (tx) =>
      firstRow(
        tx.execute(
          sql`select ${sql.join(
            Object.keys(settings).map((name) => sql`current_setting(${name}) as ${sql.identifier(name)}`),
            sql`, `,
          )}`,
        ),
      ),
    )
    expect(seen).toEqual({ ...settings, 'app.c': '12', 'app.d': 'false' })
  })

  test('takes modes and bounds of transaction(), and repeats with the settings', async () => {
    const { database } = fixture
    let runs = 0
    const seen = await database.session(
      { settings: { 'app.tenant': 'again' }, isolationLevel: 'serializable', accessMode: 'read only' },
      async (tx) => {
        if (++runs === 1) await tx.execute(sql`do $$ begin raise sqlstate '40001'; end $$`)
        return firstRow(
          tx.execute(sql`select current_setting('app.tenant') as tenant,
            current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as read_only`),
        )
      },
    )
    const late = await database
      .session({ settings: { 'app.tenant': 'late' }, timeoutMs: 50 }, (tx) =>
        tx.execute(sql`select pg_sleep(60)`),
      )
      .catch((error: unknown) => findDatabaseError(error)?.deadline)
    // On a busy machine it may pass before the statement.
    expect({ runs, seen, late, left: await leftOn(database) }).toEqual({
      runs: 2,
      seen: { tenant: 'again', level: 'serializable', read_only: 'on' },
      late: expect.objectContaining({ owner: 'call', timeoutMs: 50 }),
      left: [],
    })
  })

  test('sets what the server itself knows, with no plan of another meaning', async () => {
    const { database } = fixture
    const read = async (TimeZone: string) =>
      await database.session({ settings: { 'app.tenant': 'a', TimeZone } }, (tx) =>
        firstRow<{ hour: string }>(
          tx.execute(
            sql`select to_char(timestamptz '2026-01-01 12:00:00Z', 'HH24') as hour where ${1}::int = 1`,
          ),
        ),
      )
    const hours = [await read('UTC'), await read('Asia/Tokyo'), await read('UTC')].map(({ hour }) => hour)
    expect(hours).toEqual(['12', '21', '12'])
  })

  test('refuses names and values that can not be meant, and shows no value', async () => {
    const { database } = fixture
    const messageOf = async (settings: Record<string, unknown>) => {
      const error = await database
        .session({ settings: settings as never }, async () => 'ran')
        .catch((thrown) => thrown)
      expect(error).toBeInstanceOf(ConfigurationError)
      return (error as Error).message
    }
    const secret = 'hunter2\0'
    const messages = [
      await messageOf({}),
      await messageOf({ "app.x', 'y": secret }),
      await messageOf({ 'app.x': null }),
      await messageOf({ 'app.x': undefined }),
      await messageOf({ 'app.x': secret }),
      await messageOf({ 'app.x': { secret } }),
      await messageOf('hunter2' as never),
    ]
    expect(messages.join('\n')).not.toContain('hunter2')
    expect(messages[2]).toContain(
      'Setting app.x of session() must be a text, a number or a boolean, got null.',
    )
  })

  test('shows no value in what an error of the server is wrapped in', async () => {
    const settings = { 'app.token': 'hunter2', role: 'nobody_there' }
    const error = await fixture.database
      .session({ settings }, async () => 'ran')
      .catch((thrown: unknown) => thrown)
    expect(sqlState(error)).toBe('22023')
    expect(Bun.inspect(error)).not.toContain('hunter2')
  })

  for (const program of pgBouncerPrograms())
    test(`gives tenants their own rows behind PgBouncer ${program.version} in transaction mode`, async () => {
      await using pooler = await startPgBouncer({
        program,
        urls: [fixture.test.appUrl],
        settings: { pool_mode: 'transaction', default_pool_size: '2' },
      })
      const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
      await owner.db.execute(sql`delete from session_notes`).catch(() => {})
      await owner.db.execute(sql`truncate session_notes`)
      const database = fixture.open({ name: 'pooled', url: pooler.url(fixture.test.appUrl) })
      const wrong = await mixUp(database)
      expect({ wrong, left: await leftOn(database) }).toEqual({ wrong: [], left: [] })
      await database.close()
    })

  test('leaves no transaction and no lock on the server', async () => {
    const backends = await fixture.backends()
    expect(backends.filter(({ state }) => state !== 'idle')).toEqual([])
    expect(await seenBy(fixture.database, 'tenant-3')).toEqual(['tenant-3'])
  })
})
