import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { DrizzleQueryError, sql } from 'drizzle-orm'
import { createDatabase, type Database, findDatabaseError, sqlState } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

type Handle = Pick<Database<Record<string, never>>['db'], 'execute'>

const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => thrown,
  )
const pid = sql`select pg_backend_pid() as pid`

// The first and the third are the server's own; a disk can't be filled without taking it from everybody else.
const shortages: [state: string, text: string][] = [
  ['53200', 'select count(*) from (select pg_advisory_xact_lock(generate_series(1, 1000000))) as locks'],
  ['53100', "do $$ begin raise exception 'no space left' using errcode = '53100'; end $$"],
  [
    '53400',
    'select count(*) from (select n from generate_series(1, 300000) as n order by n % 7, n) as sorted',
  ],
]
const ways: Record<
  string,
  (database: Database<Record<string, never>>, text: string) => PromiseLike<unknown>
> = {
  'a statement': ({ db }, text) => db.execute(text),
  'a transaction': ({ db }, text) => db.transaction((tx) => tx.execute(text)),
  'use()': (database, text) => database.use(({ db }) => db.execute(text)),
}

describe('a server that runs out of something', () => {
  test('fails the statement with its SQLSTATE; the connection stays, and the pool with it', async () => {
    await using server = await startTestServer({
      settings: {
        max_connections: '10',
        max_locks_per_transaction: '10',
        temp_file_limit: '256kB',
        work_mem: '64kB',
      },
    })
    const { appUrl } = await server.database()
    const database = createDatabase({ name: 'short', url: appUrl, pool: { poolSize: 1, maxOverflow: 0 } })
    await using _ = { [Symbol.asyncDispose]: () => database.close() }
    const before = await firstRow(database.db.execute(pid))
    for (const [state, text] of shortages) {
      for (const [way, run] of Object.entries(ways)) {
        const error = await thrownBy(run(database, text))
        expect({ way, state: sqlState(error), own: findDatabaseError(error) }).toEqual({
          way,
          state,
          own: null,
        })
        expect(error).toBeInstanceOf(DrizzleQueryError)
        expect(await firstRow(database.db.execute(pid))).toEqual(before)
      }
    }
    expect(database.status()).toMatchObject({
      total: 1,
      idle: 1,
      checkedOut: 0,
      waiting: 0,
      counters: { connects: 1, connectFailures: 0 },
    })
  }, 60_000)

  test('fails alone: the statements behind it on the same connection get their answers', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0, sharedDepth: 16 } })
    const { db } = fixture.database
    const [, full] = shortages[1] ?? []
    await db.execute(pid)
    const outcomes = await Promise.all(
      Array.from({ length: 15 }, (_, i) =>
        i % 3 === 0
          ? thrownBy(db.execute(full ?? '')).then(sqlState)
          : firstRow<{ i: number }>(db.execute(sql`select ${i}::int as i`)).then((row) => row.i),
      ),
    )
    expect(outcomes).toEqual(Array.from({ length: 15 }, (_, i) => (i % 3 === 0 ? '53100' : i)))
    expect(fixture.database.status()).toMatchObject({ total: 1, counters: { connects: 1 } })
  })
})

describe('a time that the server keeps', () => {
  let fixture: Fixture
  beforeAll(async () => {
    fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table limited_rows (n int)`)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  /** Runs one statement under a setting of its transaction and says how it ended, and whether its backend is the one before. */
  async function under(setting: string, run: (tx: Handle) => Promise<unknown>) {
    const { db } = fixture.database
    const before = await firstRow<{ pid: number }>(db.execute(pid))
    const error = await thrownBy(
      db.transaction(async (tx) => {
        await tx.execute(sql.raw(`set local ${setting}`))
        await run(tx)
      }),
    )
    const after = await firstRow<{ pid: number }>(db.execute(pid))
    const { checkedOut, waiting } = fixture.database.status()
    return {
      state: sqlState(error),
      own: findDatabaseError(error),
      kept: after.pid === before.pid,
      checkedOut,
      waiting,
    }
  }
  const kept = (state: string) => ({ state, own: null, kept: true, checkedOut: 0, waiting: 0 })
  const lost = {
    own: expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'rolled-back' }),
    kept: false,
    checkedOut: 0,
    waiting: 0,
  }
  const outlives = async (tx: Handle) => {
    const own = await firstRow<{ pid: number }>(tx.execute(pid))
    await eventually(async () => (await fixture.backends()).every((backend) => backend.pid !== own.pid))
    await tx.execute(sql`select 1`)
  }

  test('for a lock (55P03) fails the statement, and the connection stays', async () => {
    const { migratorUrl } = fixture.test
    const owner = fixture.open({ name: 'holder', url: migratorUrl })
    await owner.db.transaction(async (holder) => {
      await holder.execute(sql`lock table limited_rows in access exclusive mode`)
      const outcome = under('lock_timeout = 20', (tx) => tx.execute(sql`insert into limited_rows values (1)`))
      expect(await outcome).toEqual(kept('55P03'))
    })
  })

  test('for a statement (57014) fails it, and the connection stays', async () => {
    const outcome = under('statement_timeout = 20', (tx) => tx.execute(sql`select pg_sleep(60)`))
    expect(await outcome).toEqual(kept('57014'))
  })

  test('for a transaction that does nothing (25P03) costs its connection, and nothing of it is done', async () => {
    expect(await under('idle_in_transaction_session_timeout = 20', outlives)).toMatchObject(lost)
  })

  test('for a whole transaction (25P04) does the same', async () => {
    expect(await under('transaction_timeout = 20', outlives)).toMatchObject(lost)
  })

  test('for an idle session (57P05) is not noticed by callers', async () => {
    const idle = fixture.open({
      name: 'idle',
      pool: { poolSize: 1, maxOverflow: 0, resetOnCheckin: 'rollback' },
    })
    await idle.use(({ db: own }) => own.execute(sql`set idle_session_timeout = 20`))
    await eventually(() => idle.status().counters.closes.lost === 1)
    expect(await firstRow(idle.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
    expect(idle.status()).toMatchObject({ total: 1, idle: 1, checkedOut: 0 })
  })
})
