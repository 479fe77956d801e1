import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import {
  eventually,
  pgBouncerPrograms,
  startFaultProxy,
  startPgBouncer,
  withDatabase,
} from '@shared/postgres/testing'
import { eq, sql } from 'drizzle-orm'
import { integer, jsonb, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import {
  ConfigurationError,
  createDatabase,
  type Database,
  errorCode,
  findDatabaseError,
  type StreamedQuery,
  sqlState,
} from '../../src/index.ts'
import { variant } from '../conformance/variant.ts'
import { createWorld, resetWorld } from '../conformance/world.ts'
import { createFixture, type Fixture, firstRow } from '../support.ts'
import type { StreamMemoryReport } from './stream-memory-process.ts'

const things = pgTable('stream_things', {
  id: integer().primaryKey(),
  title: text('name'),
  price: numeric(),
  at: timestamp({ withTimezone: true }),
  tags: text().array(),
  more: jsonb(),
})
let fixture: Fixture

beforeAll(async () => {
  // A deadline of some milliseconds is that of the stream alone: on a busy machine connections would be pinged before it.
  fixture = await createFixture({ pool: { poolSize: 2, maxOverflow: 0, prePingIdleMs: 600_000 } })
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`
    create table stream_things (id int primary key, name text, price numeric, at timestamptz, tags text[], more jsonb);
    insert into stream_things select n, 'thing ' || n, n / 7.0, timestamptz '2026-01-01' + n * interval '1 hour',
      array['a', null, n::text], jsonb_build_object('n', n) from generate_series(1, 2500) n`)
})
afterAll(() => fixture[Symbol.asyncDispose]())

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

const numbers = (count: number) => sql<{ n: number }>`select n from generate_series(1, ${count}::int) n`
const slow = sql<{
  n: number
}>`select n, pg_sleep(case when n > 20 then 30 else 0 end) from generate_series(1, 1000) n`

/** No lease, no transaction and no cursor is left. */
async function nothingIsLeft(): Promise<void> {
  await eventually(async () => {
    expect(fixture.database.status()).toMatchObject({ checkedOut: 0, waiting: 0 })
    expect((await fixture.backends()).filter(({ state }) => state !== 'idle')).toEqual([])
  })
}

describe('stream()', () => {
  test('gives the rows that awaiting the query gives: types, names, order', async () => {
    const { db } = fixture.database
    const queries: Record<string, () => StreamedQuery & PromiseLike<readonly unknown[]>> = {
      builder: () => db.select().from(things).orderBy(things.id),
      'chosen fields': () =>
        db
          .select({ a: { b: things.title }, c: sql`${things.id} * 2` })
          .from(things)
          .orderBy(things.id),
      parameters: () => db.select().from(things).where(eq(things.title, 'thing 7')),
      nothing: () => db.select().from(things).where(eq(things.id, -1)),
      'as many as a batch': () => db.select().from(things).orderBy(things.id).limit(100),
      with: () => {
        const few = db.$with('few').as(db.select().from(things).limit(150))
        return db.with(few).select().from(few)
      },
    }
    for (const [name, query] of Object.entries(queries)) {
      const streamed = await collect(fixture.database.stream(query(), { batchSize: 100 }))
      expect({ name, streamed }).toEqual({ name, streamed: [...(await query())] })
    }
    const text = sql`select id, price, at, tags, more from stream_things order by id`
    expect(await collect(fixture.database.stream(text, { batchSize: 7 }))).toEqual([
      ...(await db.execute(text)),
    ])
    await nothingIsLeft()
  }, 180_000)

  test('gives relational rows as Drizzle maps them', async () => {
    await using home = await withDatabase()
    const database = createDatabase({ name: 'relational', url: home.ownerUrl, ...variant.model })
    await database.db.execute(sql.raw(`${createWorld}; ${resetWorld}`))
    const query = () => variant.ask.groups(database.db as never) as PromiseLike<readonly unknown[]>
    const awaited = await query()
    expect(awaited.length).toBeGreaterThan(0)
    expect(await collect(database.stream(query(), { batchSize: 1 }))).toEqual([...awaited])
    const first = variant.ask.firstGroup(database.db as never) as PromiseLike<readonly unknown[]>
    const error = await collect(database.stream(first)).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigurationError)
    await database.close()
  })

  test('reads as of one moment, whatever is written meanwhile', async () => {
    const seen: number[] = []
    const { database } = fixture
    const query = database.db.select().from(things).orderBy(things.id)
    for await (const { id } of database.stream(query, { batchSize: 500 })) {
      if (seen.length === 0) await database.db.insert(things).values({ id: 9_999 })
      seen.push(id)
    }
    await database.db.delete(things).where(eq(things.id, 9_999))
    expect({ count: seen.length, last: seen.at(-1) }).toEqual({ count: 2500, last: 2500 })
  })

  test('asks for no more than is wanted, and begins with the first row', async () => {
    const { database } = fixture
    const rows = database.stream(numbers(100_000), { batchSize: 10 })
    expect(database.status().checkedOut).toBe(0)
    await rows.next()
    await eventually(async () => {
      const [backend] = (await fixture.backends()).filter(({ state }) => state === 'idle in transaction')
      expect(backend?.query).toBe('fetch 10 from stream_cursor')
    })
    await rows.return?.()
    await nothingIsLeft()
  })

  test('gives its connection back when the loop ends by break, throw or return', async () => {
    const { database } = fixture
    for await (const { n } of database.stream(numbers(10_000), { batchSize: 10 })) if (n === 15) break
    await nothingIsLeft()
    const own = new Error('own')
    const thrown = await (async () => {
      for await (const _ of database.stream(numbers(10_000))) throw own
    })().catch((error: unknown) => error)
    expect(thrown).toBe(own)
    await nothingIsLeft()
  })

  test('cancels what runs when the consumer ends it meanwhile', async () => {
    const { database } = fixture
    const rows = database.stream(slow, { batchSize: 10 })
    for (let n = 0; n < 20; n++) await rows.next()
    const pending = rows.next()
    await eventually(async () => expect(await fixture.isRunning('fetch 10')).toBe(true))
    await rows.return?.()
    expect(await pending).toEqual({ done: true, value: undefined })
    await nothingIsLeft()
  })

  test('ends at its signal and at its deadline, under a statement and while the consumer is at something else', async () => {
    const { database } = fixture
    const codes: Record<string, string | undefined> = {}
    const end = async (name: string, rows: AsyncIterable<unknown>, each: () => Promise<unknown>) => {
      const error = await (async () => {
        for await (const _ of rows) await each()
      })().catch((thrown: unknown) => thrown)
      codes[name] = findDatabaseError(error)?.code
    }
    const options = { batchSize: 10 }
    await end('deadline', database.stream(slow, { ...options, timeoutMs: 200 }), async () => {})
    const controller = new AbortController()
    const abort = async () => controller.abort()
    await end('signal', database.stream(slow, { ...options, signal: controller.signal }), abort)
    await end('idle', database.stream(numbers(100), { ...options, idleTimeoutMs: 100 }), () =>
      eventually(() => database.status().checkedOut === 0),
    )
    await end('late', database.stream(numbers(100), { ...options, timeoutMs: 100 }), () =>
      eventually(() => database.status().checkedOut === 0),
    )
    await database.within({ timeoutMs: 200 }, () =>
      end('around', database.stream(slow, options), async () => {}),
    )
    expect(codes).toEqual({
      deadline: 'STATEMENT_TIMEOUT',
      signal: 'WORK_ABORTED',
      idle: 'STREAM_IDLE',
      late: 'STATEMENT_TIMEOUT',
      around: 'STATEMENT_TIMEOUT',
    })
    await nothingIsLeft()
  })

  test('is named where it holds a connection for too long', async () => {
    const details: (string | undefined)[] = []
    const database = fixture.open({
      pool: { poolSize: 1, maxOverflow: 0, leakAfterMs: 50 },
      onEvent: ({ type, detail }) => type === 'lease-leaked' && details.push(detail),
    })
    const rows = database.stream(numbers(100), { batchSize: 10 })
    await rows.next()
    await eventually(() => details.length === 1)
    expect(details[0]).toContain('stream.test.ts')
    await rows.return?.()
  })

  test('ends with the error of a row, after the rows before it', async () => {
    const seen: number[] = []
    const failing = sql<{ n: number }>`select 1 / (55 - n) as one, n from generate_series(1, 1000) n`
    const error = await (async () => {
      for await (const { n } of fixture.database.stream(failing, { batchSize: 10 })) seen.push(n)
    })().catch((thrown: unknown) => thrown)
    expect({ state: sqlState(error), seen: seen.length }).toEqual({ state: '22012', seen: 50 })
    await nothingIsLeft()
  })

  test('ends with ConnectionLostError when its backend is killed, after the rows that had come', async () => {
    const database = fixture.open({ name: 'killed' })
    const seen: number[] = []
    const error = await (async () => {
      for await (const { n } of database.stream(numbers(1000), { batchSize: 10 })) {
        seen.push(n)
        if (n !== 10) continue
        // Between two batches, which it is once the server says so.
        await eventually(async () => {
          const killed = await fixture.database.db.execute(
            sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'killed' and state like 'idle in%'`,
          )
          return killed.length > 0
        })
      }
    })().catch((thrown: unknown) => thrown)
    const { code, outcome } = findDatabaseError(error) as unknown as { code: string; outcome: string }
    expect({ code, outcome, seen: seen.length % 10 }).toEqual({
      code: 'CONNECTION_LOST',
      outcome: 'rolled-back',
      seen: 0,
    })
    expect(seen.length).toBeLessThan(1000)
  })

  test('ends with ConnectionLostError when the cable is cut', async () => {
    const { hostname, port } = new URL(fixture.test.appUrl)
    await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
    const database = fixture.open({ name: 'cut', url: proxy.url(fixture.test.appUrl) })
    const rows = database.stream(slow, { batchSize: 10 })
    for (let n = 0; n < 20; n++) await rows.next()
    const error = rows.next().catch((thrown: unknown) => thrown)
    proxy.cut()
    expect(errorCode(await error)).not.toBeNull()
    expect(findDatabaseError(await error)?.code).toBe('CONNECTION_LOST')
  })

  test('ends when the database is closed', async () => {
    const database = fixture.open({ name: 'closing' })
    const rows = database.stream(numbers(1000), { batchSize: 10 })
    const taken = [await rows.next()]
    await database.close({ timeoutMs: 50 })
    const error = await (async () => {
      for await (const row of rows) taken.push({ done: false, value: row })
    })().catch((thrown: unknown) => thrown)
    expect({ code: findDatabaseError(error)?.code, taken: taken.length % 10 }).toEqual({
      code: 'POOL_CLOSED',
      taken: 0,
    })
  })

  test('refuses what gives no rows, before it runs', async () => {
    const { database } = fixture
    const { db } = database
    const tried: Record<string, unknown> = {
      insert: db.insert(things).values({ id: -1 }).returning(),
      prepared: db.select().from(things).prepare('by_name'),
      text: 'select 1',
      set: sql`set search_path to nowhere`,
    }
    for (const [name, query] of Object.entries(tried)) {
      const error = await collect(database.stream(query as StreamedQuery)).catch((thrown) => thrown)
      expect({
        name,
        isRefused: [error, error.cause].some((one) => one instanceof ConfigurationError),
      }).toEqual({
        name,
        isRefused: true,
      })
    }
    expect(() => database.stream(numbers(1), { batchSize: 0 })).toThrow('batchSize of stream()')
    expect(
      await firstRow(db.execute(sql`select count(*)::int as n from stream_things where id < 0`)),
    ).toEqual({ n: 0 })
    await nothingIsLeft()
  })

  test('resets the session behind a query that leaves something on it', async () => {
    const { database } = fixture
    await collect(database.stream(sql`select pg_advisory_lock(4711)`))
    const locks = await firstRow(
      database.db.execute(sql`select count(*)::int as n from pg_locks where objid = 4711`),
    )
    expect(locks).toEqual({ n: 0 })
  })

  test('serves many at once on two connections', async () => {
    const sums = await Promise.all(
      Array.from({ length: 20 }, async () => {
        let sum = 0
        for await (const { n } of fixture.database.stream(numbers(1000), { batchSize: 100 })) sum += n
        return sum
      }),
    )
    expect(new Set(sums)).toEqual(new Set([500_500]))
  })

  test('reads a million rows in less than 50 MB', async () => {
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, 'stream-memory-process.ts'), fixture.test.appUrl, '1000000'],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
    )
    const report = JSON.parse(await child.stdout.text()) as StreamMemoryReport
    const { rows, sum, grownMB } = report
    expect({ rows, sum, isSmall: grownMB < 50 }, `${grownMB} MB`).toEqual({
      rows: 1_000_000,
      sum: 500_000_500_000,
      isSmall: true,
    })
  }, 400_000)

  for (const program of pgBouncerPrograms())
    test(`works behind PgBouncer ${program.version} in transaction mode`, async () => {
      await using pooler = await startPgBouncer({
        program,
        urls: [fixture.test.appUrl],
        settings: { pool_mode: 'transaction', default_pool_size: '2' },
      })
      const database: Database<Record<string, never>> = fixture.open({
        name: 'pooled',
        url: pooler.url(fixture.test.appUrl),
      })
      const query = () => database.db.select().from(things).orderBy(things.id)
      const [one, other] = await Promise.all([
        collect(database.stream(query(), { batchSize: 100 })),
        collect(database.stream(query(), { batchSize: 30 })),
      ])
      const awaited = await query()
      expect(one).toEqual(awaited)
      expect(other).toEqual(awaited)
      await database.close()
    })
})
