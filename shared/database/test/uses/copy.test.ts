import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, pgBouncerPrograms, startFaultProxy, startPgBouncer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { bigint, boolean, customType, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import {
  ConfigurationError,
  type CopySource,
  type Database,
  encodeCopyRows,
  findDatabaseError,
  sqlState,
} from '../../src/index.ts'
import { createFixture, type Fixture, firstRow } from '../support.ts'
import type { CopyMemoryReport } from './copy-memory-process.ts'

type Plain = Record<string, never>
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
const things = pgTable('copy_things', {
  id: integer().primaryKey(),
  title: text('name'),
  big: bigint({ mode: 'bigint' }),
  isOn: boolean('is_on'),
  at: timestamp({ withTimezone: true }),
  raw: bytea(),
  more: jsonb(),
})
let fixture: Fixture

beforeAll(async () => {
  // A deadline of some milliseconds is that of the COPY alone: on a busy machine connections would be pinged before it.
  fixture = await createFixture({ pool: { poolSize: 2, maxOverflow: 0, prePingIdleMs: 600_000 } })
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`
    create table copy_things (id int primary key, name text, big bigint, is_on bool, at timestamptz, raw bytea, more jsonb);
    create table copy_many (n int, name text);
    create table copy_set (n int);
    create function copy_set() returns trigger language plpgsql as $$
      begin perform set_config('TimeZone', 'Asia/Tokyo', false); raise warning 'set'; return new; end $$;
    create function copy_noisy(n int) returns int language plpgsql as $$ begin raise notice 'noisy %', n; return n; end $$;
    create trigger set before insert on copy_set for each row execute function copy_set()`)
})
beforeEach(async () => {
  await fixture.database.db.delete(things)
})
afterAll(() => fixture[Symbol.asyncDispose]())

const count = async () =>
  (
    await firstRow<{ n: number }>(
      fixture.database.db.execute(sql`select count(*)::int as n from copy_things`),
    )
  ).n
const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream as never).text()
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\tthing ${from + index}\n`)
const named = { columns: ['id', 'title'] }

/** Text without an end, as fast as it is taken. */
async function* endless(signal?: { given: number }) {
  for (let n = 1; ; n++) {
    if (signal) signal.given = n
    yield `${n}\t${'x'.repeat(1000)}\n`
  }
}

/** No lease, no transaction and no COPY is left, and the connections are good. */
async function nothingIsLeft(): Promise<void> {
  await eventually(async () => {
    expect(fixture.database.status()).toMatchObject({ checkedOut: 0, waiting: 0 })
    expect((await fixture.backends()).filter(({ state }) => state !== 'idle')).toEqual([])
  })
  const seen = await Promise.all(
    Array.from({ length: 8 }, (_, n) => firstRow(fixture.database.db.execute(sql`select ${n}::int as n`))),
  )
  expect(seen).toEqual(Array.from({ length: 8 }, (_, n) => ({ n })))
}

async function errorOf(
  work: Promise<unknown>,
): Promise<Error & { where?: string; code?: string; outcome?: string }> {
  return await work.then(
    () => {
      throw new Error('nothing was thrown')
    },
    (error) => error,
  )
}

describe('copyIn()', () => {
  test('stores rows from streams, generators and arrays, in pieces that end anywhere', async () => {
    const { database } = fixture
    const bytes = Buffer.from(lines(1, 1000).join(''))
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) =>
      bytes.subarray(n * 7, n * 7 + 7),
    )
    const stored = [
      await database.copyIn(things, lines(1001, 1500), named),
      await database.copyIn(things, new Blob([lines(1501, 2000).join('')]).stream(), named),
      await database.copyIn('copy_things', pieces, { columns: ['id', 'name'] }),
      await database.copyIn(sql`copy_things (id)`, ['5000\n']),
      await database.copyIn(things, []),
    ]
    const rows = await database.db
      .select({ id: things.id, title: things.title })
      .from(things)
      .orderBy(things.id)
    expect(stored.map((one) => one.rows)).toEqual([500, 500, 1000, 1, 0])
    expect(rows.slice(0, -1)).toEqual(
      Array.from({ length: 2000 }, (_, n) => ({ id: n + 1, title: `thing ${n + 1}` })),
    )
    await nothingIsLeft()
  })

  test('stores rows of values as they are', async () => {
    const { database } = fixture
    const at = new Date('2026-02-03T04:05:06.789Z')
    const odd = `tab\t line\n return\r back\\slash \\N \\. "quote" 'single' \b\f\v 🐎`
    const values: [
      number,
      string | null,
      bigint | null,
      boolean | null,
      Date | null,
      Uint8Array | null,
      unknown,
    ][] = [
      [1, odd, 2n ** 62n, true, at, new Uint8Array([0, 9, 10, 92, 255]), { a: [odd, null] }],
      [2, null, null, null, null, null, null],
      [3, '', 0n, false, at, new Uint8Array(), { b: '' }],
    ]
    expect(await database.copyIn(things, encodeCopyRows(values))).toEqual({ rows: 3 })
    const rows = await database.db.select().from(things).orderBy(things.id)
    expect(
      rows.map(({ id, title, big, isOn, at, raw, more }) => [
        id,
        title,
        big,
        isOn,
        at,
        raw && new Uint8Array(raw),
        more,
      ]),
    ).toEqual(values)
    const error = await errorOf(database.copyIn(things, encodeCopyRows([[4, ['secret']]])))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toContain('Row 1, value 2 of encodeCopyRows() is an array')
    await nothingIsLeft()
  })

  test('stores nothing when a row is bad, and says which as the server does', async () => {
    const { database } = fixture
    const bad = [...lines(1, 50_000), 'no number\tx\n', ...lines(50_001, 400_000)]
    const error = await errorOf(database.copyIn(things, bad, named))
    expect({ state: sqlState(error), where: error.where, name: error.name, count: await count() }).toEqual({
      state: '22P02',
      where: 'COPY copy_things, line 50001, column id: "no number"',
      name: 'PostgresError',
      count: 0,
    })
    const twice = await errorOf(database.copyIn(things, [...lines(1, 10), ...lines(10, 20)], named))
    expect({ state: sqlState(twice), where: twice.where, count: await count() }).toEqual({
      state: '23505',
      where: 'COPY copy_things, line 11',
      count: 0,
    })
    await nothingIsLeft()
  })

  test('stores nothing when its source fails, and throws the error of the source', async () => {
    const { database } = fixture
    const own = new Error('own')
    async function* failing() {
      yield* lines(1, 20_000)
      throw own
    }
    const pid = database.status().total
    expect(await errorOf(database.copyIn(things, failing(), named))).toBe(own)
    const body = new ReadableStream({
      pull(controller) {
        controller.error(own)
      },
    })
    expect(await errorOf(database.copyIn(things, body, named))).toBe(own)
    expect({ count: await count(), total: database.status().total }).toEqual({ count: 0, total: pid })
    await nothingIsLeft()
  })

  test('stores nothing at its signal and deadline, with a source that gives and with one that does not', async () => {
    const { database } = fixture
    const codes: Record<string, string | undefined> = {}
    const end = async (name: string, work: Promise<unknown>) => {
      codes[name] = findDatabaseError(await errorOf(work))?.code
    }
    // Gives something at first: each piece is waited for anew.
    async function* silent() {
      yield '1\tone\n'
      await new Promise(() => {})
    }
    const columns = { columns: ['n', 'name'] }
    await end('deadline', database.copyIn('copy_many', endless(), { ...columns, timeoutMs: 200 }))
    await end('silent', database.copyIn('copy_many', silent(), { ...columns, timeoutMs: 100 }))
    await end('idle', database.copyIn('copy_many', silent(), { ...columns, idleTimeoutMs: 100 }))
    const controller = new AbortController()
    const taken = { given: 0 }
    const aborted = database.copyIn('copy_many', endless(taken), { ...columns, signal: controller.signal })
    await eventually(() => taken.given > 0)
    controller.abort()
    await end('signal', aborted)
    await database.within({ timeoutMs: 100 }, () =>
      end('around', database.copyIn('copy_many', endless(), columns)),
    )
    const { n } = await firstRow<{ n: number }>(
      database.db.execute(sql`select count(*)::int as n from copy_many`),
    )
    expect({ codes, n }).toEqual({
      codes: {
        deadline: 'STATEMENT_TIMEOUT',
        silent: 'STATEMENT_TIMEOUT',
        idle: 'STREAM_IDLE',
        signal: 'WORK_ABORTED',
        around: 'STATEMENT_TIMEOUT',
      },
      n: 0,
    })
    await nothingIsLeft()
  })

  test('takes from its source only what the server takes', async () => {
    const { database } = fixture
    const blocker = Promise.withResolvers<void>()
    const blocked = database.db.transaction(async (tx) => {
      await tx.execute(sql`lock table copy_many in access exclusive mode`)
      await blocker.promise
    })
    await eventually(async () =>
      expect((await fixture.backends()).some(({ state }) => state === 'idle in transaction')).toBe(true),
    )
    const taken = { given: 0 }
    const copying = errorOf(database.copyIn('copy_many', endless(taken), { timeoutMs: 500 }))
    await copying
    blocker.resolve()
    await blocked
    // The server has not even begun: it waits for the lock.
    expect(taken.given).toBe(0)
    await nothingIsLeft()
  })

  test('says rolled-back when its backend is killed in the middle', async () => {
    const { database } = fixture
    const copying = errorOf(database.copyIn('copy_many', endless()))
    await eventually(async () => expect(await fixture.isRunning('copy "copy_many"')).toBe(true))
    await fixture.database.db.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy "copy_many"%' and pid <> pg_backend_pid()`,
    )
    const error = await copying
    const { n } = await firstRow<{ n: number }>(
      database.db.execute(sql`select count(*)::int as n from copy_many`),
    )
    expect({ code: error.code, outcome: error.outcome, n }).toEqual({
      code: 'CONNECTION_LOST',
      outcome: 'rolled-back',
      n: 0,
    })
    await nothingIsLeft()
  })

  test('does not wait for a silent source when its backend is killed, or the database is closed', async () => {
    // Gives something at first: each piece is waited for anew.
    async function* silent() {
      yield '1\tone\n'
      await new Promise(() => {})
    }
    const errors: Record<string, string | undefined> = {}
    const waits = () => fixture.isRunning('copy "copy_many"')
    const killed = errorOf(fixture.database.copyIn('copy_many', silent(), { idleTimeoutMs: 600_000 }))
    await eventually(waits)
    await fixture.database.db.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy "copy_many"%' and pid <> pg_backend_pid()`,
    )
    errors.killed = (await killed).outcome
    const database = fixture.open()
    const closed = errorOf(database.copyIn('copy_many', silent(), { idleTimeoutMs: 600_000 }))
    await eventually(waits)
    await database.close({ timeoutMs: 50 })
    errors.closed = (await closed).outcome
    expect(errors).toEqual({ killed: 'rolled-back', closed: 'rolled-back' })
    await nothingIsLeft()
  })

  test('ends when the cable is frozen, at its deadline', async () => {
    const { hostname, port } = new URL(fixture.test.appUrl)
    await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
    const database = fixture.open({ name: 'frozen', url: proxy.url(fixture.test.appUrl) })
    await database.connect()
    const copying = errorOf(database.copyIn('copy_many', endless(), { timeoutMs: 4_000 }))
    await eventually(() => database.status().checkedOut === 1)
    await proxy.set('freezeAll')
    const error = findDatabaseError(await copying)
    expect(['STATEMENT_TIMEOUT', 'CONNECTION_LOST']).toContain(error?.code as string)
    await database.close({ timeoutMs: 100 })
  })

  test('resets what a trigger has set on the session', async () => {
    const { database } = fixture
    await database.copyIn('copy_set', ['1\n'])
    const zones = await Promise.all(
      Array.from({ length: 6 }, () =>
        firstRow(database.db.execute(sql`select current_setting('TimeZone') as zone`)),
      ),
    )
    expect(zones.filter(({ zone }) => zone === 'Asia/Tokyo')).toEqual([])
    await nothingIsLeft()
  })

  test('hands on notices, and leaves them out of what is copied', async () => {
    const notices: string[] = []
    const database = fixture.open({ name: 'noticed', onNotice: ({ message }) => notices.push(message) })
    expect(await database.copyIn('copy_set', ['1\n', '2\n'])).toEqual({ rows: 2 })
    expect(await textOf(database.copyOut(sql`select copy_noisy(n) from generate_series(1, 2) n`))).toBe(
      '1\n2\n',
    )
    expect(notices).toEqual(['set', 'set', 'noisy 1', 'noisy 2'])
    await database.close()
  })

  test('refuses what can not be copied, before it has a connection', async () => {
    const { database } = fixture
    const tried: (() => unknown)[] = [
      () => database.copyIn(things, 'one text' as never),
      () => database.copyIn(things, new Uint8Array(3) as never),
      () => database.copyIn(things, [], { columns: ['nowhere'] }),
      () => database.copyIn(things, [], { format: 'xml' as never }),
      () => database.copyIn(sql`copy_things where id = ${1}`, []),
      () => database.copyOut(database.db.select().from(things).where(sql`id = ${1}`)),
      () => database.copyOut(42 as never),
    ]
    for (const one of tried) {
      const error = await errorOf((async () => await one())())
      expect(error).toBeInstanceOf(ConfigurationError)
    }
    const wrong = await errorOf(database.copyIn(things, [{ n: 1 } as never]))
    expect(wrong).toBeInstanceOf(ConfigurationError)
    expect(sqlState(await errorOf(database.copyIn('nowhere', [])))).toBe('42P01')
    await nothingIsLeft()
  })
})

describe('copyOut()', () => {
  beforeEach(async () => {
    await fixture.database.copyIn(things, lines(1, 3), named)
  })

  test('gives a table, some of its columns, a builder and SQL in the format that is asked for', async () => {
    const { database } = fixture
    const csv = { format: 'csv', header: true } as const
    const query = database.db.select({ id: things.id }).from(things).orderBy(things.id)
    expect({
      columns: await textOf(database.copyOut(things, named)),
      table: (await textOf(database.copyOut('copy_things'))).split('\n')[0],
      csv: await textOf(database.copyOut(things, { ...named, ...csv })),
      options: await textOf(
        database.copyOut(sql`select null, 1`, { format: 'csv', delimiter: ';', null: `\\'x` }),
      ),
      builder: await textOf(database.copyOut(query)),
      nothing: await textOf(database.copyOut(sql`select 1 where false`)),
    }).toEqual({
      columns: lines(1, 3).join(''),
      table: '1\tthing 1\t\\N\t\\N\t\\N\t\\N\t\\N',
      csv: 'id,name\n1,thing 1\n2,thing 2\n3,thing 3\n',
      options: `\\'x;1\n`,
      builder: '1\n2\n3\n',
      nothing: '',
    })
    await nothingIsLeft()
  })

  test('is what copyIn() takes, in every format, also where rows are larger than a packet', async () => {
    const { database } = fixture
    const long = 'x'.repeat(3_000_000)
    await database.copyIn(things, encodeCopyRows([[4, long]]), named)
    const rows = await database.db.select().from(things).orderBy(things.id)
    for (const format of ['text', 'csv', 'binary'] as const) {
      const bytes = await new Response(database.copyOut(things, { format }) as never).bytes()
      await database.db.delete(things)
      await database.copyIn(things, [bytes], { format })
      expect(await database.db.select().from(things).orderBy(things.id)).toEqual(rows)
    }
  })

  test('goes from one table to another without being held', async () => {
    const { database } = fixture
    await database.copyIn('copy_many', database.copyOut(sql`select n, 'a' from generate_series(1, 100000) n`))
    const { n } = await firstRow<{ n: number }>(
      database.db.execute(sql`select count(*)::int as n from copy_many`),
    )
    await database.db.execute(sql`delete from copy_many`)
    expect(n).toBe(100_000)
  })

  test('ends when its consumer stops, and reads no more than that takes', async () => {
    const { database } = fixture
    const reader = database
      .copyOut(sql`select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b`)
      .getReader()
    expect(database.status().checkedOut).toBe(0)
    await reader.read()
    const isWaiting = async () => {
      const text = sql`select wait_event = 'ClientWrite' as is from pg_stat_activity where query like 'copy (%' and state = 'active'`
      return (await firstRow<{ is: boolean }>(database.db.execute(text))).is
    }
    await eventually(async () => {
      const looks: boolean[] = []
      for (let look = 0; look < 20; look++) looks.push(await isWaiting())
      expect(looks.every(Boolean)).toBe(true)
    })
    await reader.cancel()
    await nothingIsLeft()
  })

  test('fails with the error that the server met in the middle, after the bytes before it', async () => {
    const { database } = fixture
    let bytes = 0
    const error = await errorOf(
      (async () => {
        for await (const chunk of database.copyOut(
          sql`select 1 / (500000 - n) from generate_series(1, 1000000) n`,
        ))
          bytes += chunk.length
      })(),
    )
    expect({ state: sqlState(error), bytes }).toEqual({ state: '22012', bytes: 999_998 })
    await nothingIsLeft()
  })

  test('ends at its deadline, when it is idle, when its backend is killed, and when the database is closed', async () => {
    const { database } = fixture
    const endless = sql`select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b`
    const codes: Record<string, string | undefined> = {}
    const end = async (name: string, stream: ReadableStream, meanwhile?: () => Promise<unknown>) => {
      const error = await errorOf(
        (async () => {
          const reader = stream.getReader()
          await reader.read()
          await meanwhile?.()
          for (;;) if ((await reader.read()).done) return
        })(),
      )
      codes[name] = findDatabaseError(error)?.code
    }
    await end('deadline', database.copyOut(endless, { timeoutMs: 200 }))
    await end('slow', database.copyOut(sql`select 1, pg_sleep(60)`, { timeoutMs: 200 }))
    await end('idle', database.copyOut(endless, { idleTimeoutMs: 50 }), () =>
      eventually(() => database.status().checkedOut === 0),
    )
    await end('killed', database.copyOut(endless), () =>
      database.db.execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (%' and pid <> pg_backend_pid()`,
      ),
    )
    const closing = fixture.open({ name: 'closing copies' })
    await end('closed', closing.copyOut(endless), () => closing.close({ timeoutMs: 50 }))
    expect(codes).toMatchObject({
      deadline: 'STATEMENT_TIMEOUT',
      slow: 'STATEMENT_TIMEOUT',
      idle: 'STREAM_IDLE',
      killed: 'CONNECTION_LOST',
    })
    expect(['POOL_CLOSED', 'CONNECTION_LOST']).toContain(codes.closed as string)
    await nothingIsLeft()
  })

  test('copies a million rows, 160 MB, in and out in half of that memory', async () => {
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, 'copy-memory-process.ts'), fixture.test.appUrl, '1000000'],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
    )
    const { rows, bytes, grownMB } = JSON.parse(await child.stdout.text()) as CopyMemoryReport
    const digits = Array.from({ length: 6 }, (_, n) => (n + 1) * 9 * 10 ** n).reduce((sum, n) => sum + n, 7)
    expect({ rows, bytes, isSmall: grownMB < 80 }, `${grownMB} MB`).toEqual({
      rows: 1_000_000,
      bytes: digits + 152 * 1_000_000,
      isSmall: true,
    })
  }, 400_000)
})

describe('COPY behind a pooler', () => {
  for (const program of pgBouncerPrograms())
    test(`works through PgBouncer ${program.version} in transaction mode, also after failures`, async () => {
      await using pooler = await startPgBouncer({
        program,
        urls: [fixture.test.appUrl],
        settings: { pool_mode: 'transaction', default_pool_size: '2' },
      })
      const database: Database<Plain> = fixture.open({ name: 'pooled', url: pooler.url(fixture.test.appUrl) })
      const bad = [...lines(1, 20_000), 'no number\tx\n', ...lines(50_001, 60_000)]
      expect(sqlState(await errorOf(database.copyIn(things, bad, named)))).toBe('22P02')
      expect(await errorOf(database.copyIn('copy_many', endless(), { timeoutMs: 200 }))).toBeInstanceOf(Error)
      expect(await database.copyIn(things, lines(1, 20_000), named)).toEqual({ rows: 20_000 })
      const query: CopySource = database.db
        .select({ id: things.id, title: things.title })
        .from(things)
        .orderBy(things.id)
      expect(await textOf(database.copyOut(query))).toBe(lines(1, 20_000).join(''))
      const reader = database
        .copyOut(sql`select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b`)
        .getReader()
      await reader.read()
      await reader.cancel()
      expect(await count()).toBe(20_000)
      await database.close()
    }, 60_000)
})
