import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, startFaultProxy } from '@shared/postgres/testing'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { ConnectionLostError, findDatabaseError, sqlState } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

const accounts = pgTable('retry_accounts', { id: integer().primaryKey(), balance: integer().notNull() })
let fixture: Fixture

beforeAll(async () => {
  fixture = await createFixture()
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`create table retry_accounts (id int primary key, balance int not null);
    insert into retry_accounts values (1, 0), (2, 0)`)
})
afterAll(() => fixture[Symbol.asyncDispose]())

const pid = sql`select pg_backend_pid() as pid`

describe('database.transaction', () => {
  test('repeats what serialization failures rolled back, until every increment is there', async () => {
    const { database } = fixture
    let attempts = 0
    const allHaveRead = Promise.withResolvers<void>()
    const increment = () =>
      database.transaction(
        async (tx) => {
          attempts++
          const [row] = await tx.select().from(accounts).where(eq(accounts.id, 1))
          // So that all but one conflict.
          if (attempts === 8) allHaveRead.resolve()
          await allHaveRead.promise
          await tx
            .update(accounts)
            .set({ balance: (row?.balance ?? 0) + 1 })
            .where(eq(accounts.id, 1))
        },
        { isolationLevel: 'serializable', retries: 50 },
      )
    await Promise.all(Array.from({ length: 8 }, increment))
    expect(await firstRow(database.db.select().from(accounts).where(eq(accounts.id, 1)))).toEqual({
      id: 1,
      balance: 8,
    })
    expect(attempts).toBeGreaterThan(8)
  }, 60_000)

  test('repeats what a deadlock rolled back', async () => {
    const { database } = fixture
    const met = Promise.withResolvers<void>()
    let arrived = 0
    const transfer = (from: number, to: number) => {
      let attempt = 0
      return database.transaction(async (tx) => {
        attempt++
        await tx
          .update(accounts)
          .set({ balance: sql`${accounts.balance} - 1` })
          .where(eq(accounts.id, from))
        if (attempt === 1 && ++arrived === 2) met.resolve()
        if (attempt === 1) await met.promise
        await tx
          .update(accounts)
          .set({ balance: sql`${accounts.balance} + 1` })
          .where(eq(accounts.id, to))
        return attempt
      })
    }
    const attempts = await Promise.all([transfer(1, 2), transfer(2, 1)])
    expect(attempts.toSorted()).toEqual([1, 2])
  }, 60_000)

  test('repeats the whole callback when its connection was lost before COMMIT', async () => {
    const { database } = fixture
    const backends: unknown[] = []
    const result = await database.transaction(async (tx) => {
      const row = await firstRow<{ pid: number }>(tx.execute(pid))
      backends.push(row.pid)
      if (backends.length === 1) await fixture.terminate(row.pid)
      await tx.execute(sql`select 1`)
      return 'done'
    })
    expect(result).toBe('done')
    expect(new Set(backends).size).toBe(2)
  }, 60_000)

  test('never repeats after a COMMIT whose answer did not come', async () => {
    const { hostname, port } = new URL(fixture.test.appUrl)
    await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
    const database = fixture.open({ url: proxy.url(fixture.test.appUrl) })
    const owner = fixture.open({ name: 'owner of slow commits', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table retry_commits (n int);
      create function retry_slow_commit() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
      create constraint trigger slow after insert on retry_commits deferrable initially deferred
        for each row execute function retry_slow_commit()`)
    let attempts = 0
    const victim = database
      .transaction(async (tx) => {
        attempts++
        await tx.execute(sql`insert into retry_commits values (1)`)
      })
      .catch((thrown: unknown) => thrown)
    await eventually(async () => {
      const committing = (await fixture.backends()).find(
        ({ state, query }) => state === 'active' && query === 'commit',
      )
      if (!committing) return false
      proxy.cut()
      return true
    })
    expect(await victim).toBeInstanceOf(ConnectionLostError)
    await fixture.terminate()
    expect({ attempts, outcome: (findDatabaseError(await victim) as ConnectionLostError).outcome }).toEqual({
      attempts: 1,
      outcome: 'unknown',
    })
  }, 60_000)

  test('does not repeat other errors, nor more often than it may', async () => {
    const { database } = fixture
    let attempts = 0
    const failing = (text: string, retries?: number) =>
      database
        .transaction(
          (tx) => {
            attempts++
            return Promise.resolve(tx.execute(sql.raw(text)))
          },
          { retries },
        )
        .catch((thrown: unknown) => sqlState(thrown))
    const raise = (state: string) => `do $$ begin raise exception using errcode = '${state}'; end $$`
    expect([await failing('select 1 / 0'), attempts]).toEqual(['22012', 1])
    attempts = 0
    expect([await failing(raise('40001'), 2), attempts]).toEqual(['40001', 3])
    attempts = 0
    expect([await failing(raise('40P01'), 0), attempts]).toEqual(['40P01', 1])
  }, 60_000)

  test('ends all attempts and pauses at its deadline', async () => {
    const { database } = fixture
    const error = await database
      .transaction(
        (tx) =>
          Promise.resolve(tx.execute(sql.raw(`do $$ begin raise exception using errcode = '40001'; end $$`))),
        {
          retries: 1_000_000,
          timeoutMs: 150,
        },
      )
      .catch((thrown: unknown) => findDatabaseError(thrown))
    // Whatever it was spent on when it passed.
    expect(error).toMatchObject({ deadline: { timeoutMs: 150 } })
    await eventually(() => database.status().checkedOut === 0)
  }, 60_000)
})
