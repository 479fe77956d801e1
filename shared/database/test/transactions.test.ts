import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, startFaultProxy } from '@shared/postgres/testing'
import { type SQL, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { type ConnectionLostError, sqlState } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

const rows = pgTable('transaction_rows', { n: integer().notNull() })
let fixture: Fixture

beforeAll(async () => {
  fixture = await createFixture()
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(
    sql`create table transaction_rows (n int not null unique deferrable initially deferred)`,
  )
})
afterAll(() => fixture[Symbol.asyncDispose]())

const numbers = async () => (await fixture.database.db.select().from(rows).orderBy(rows.n)).map(({ n }) => n)
const clear = () => fixture.database.db.delete(rows)

describe('transactions', () => {
  test('commit what they did and return what the callback returns', async () => {
    await clear()
    const result = await fixture.database.db.transaction(async (tx) => {
      await tx.insert(rows).values({ n: 1 })
      return 'done'
    })
    expect({ result, numbers: await numbers() }).toEqual({ result: 'done', numbers: [1] })
  })

  test('roll back when the callback throws, and rethrow its error', async () => {
    await clear()
    const own = new Error('no')
    const failing = fixture.database.db.transaction(async (tx) => {
      await tx.insert(rows).values({ n: 1 })
      throw own
    })
    await expect(failing).rejects.toBe(own)
    expect(await numbers()).toEqual([])
    expect(fixture.database.status()).toMatchObject({ checkedOut: 0 })
  })

  test('fail when a statement failed, also when the callback caught its error', async () => {
    await clear()
    const failing = fixture.database.db.transaction(async (tx) => {
      await tx.insert(rows).values({ n: 1 })
      await Promise.resolve(tx.execute(sql`select 1 / 0`)).catch(() => {})
      return 'fine'
    })
    const error = await failing.catch((thrown: unknown) => thrown)
    expect(sqlState(error)).toBe('22012')
    expect(await numbers()).toEqual([])
  })

  test('nest: an inner one may fail alone, and deep ones keep what committed', async () => {
    await clear()
    await fixture.database.db.transaction(async (tx) => {
      await tx.insert(rows).values({ n: 1 })
      await tx
        .transaction(async (inner) => {
          await inner.insert(rows).values({ n: 2 })
          throw new Error('only the inner one')
        })
        .catch(() => {})
      await tx.transaction(async (inner) => {
        await inner.insert(rows).values({ n: 3 })
        await inner.transaction((deep) => deep.insert(rows).values({ n: 4 }))
      })
    })
    expect(await numbers()).toEqual([1, 3, 4])
  })

  test('report what fails at COMMIT', async () => {
    await clear()
    const failing = fixture.database.db.transaction(async (tx) => {
      await tx.insert(rows).values([{ n: 1 }, { n: 1 }])
    })
    expect(sqlState(await failing.catch((thrown: unknown) => thrown))).toBe('23505')
    expect(await numbers()).toEqual([])
    expect(fixture.database.status()).toMatchObject({ checkedOut: 0 })
  })

  test('carry isolation level and access mode in their BEGIN', async () => {
    const seen = await fixture.database.db.transaction(
      (tx) =>
        firstRow(
          tx.execute(sql`select current_setting('transaction_isolation') as isolation,
            current_setting('transaction_read_only') as "readOnly", current_setting('transaction_deferrable') as deferrable`),
        ),
      { isolationLevel: 'serializable', accessMode: 'read only', deferrable: true },
    )
    expect(seen).toEqual({ isolation: 'serializable', readOnly: 'on', deferrable: 'on' })
  })

  // BEGIN travels with the first statement: a write that ran although BEGIN failed would be committed by itself.
  const firstStatements = {
    'with parameters, prepared before': sql`insert into transaction_rows values (${7}::int)`,
    'without parameters': sql`insert into transaction_rows values (7)`,
    'that returns rows': sql`insert into transaction_rows values (${7}::int) returning n`,
  }
  for (const [kind, statement] of Object.entries(firstStatements)) {
    test(`whose BEGIN fails say so, and run nothing: a first statement ${kind}`, async () => {
      await clear()
      const { db } = fixture.database
      await Promise.all([1, 2, 3].map(() => db.execute(statement).then(clear, () => {})))
      await clear()
      const errors: unknown[] = []
      const failing = db.transaction(
        async (tx) => {
          for (let i = 0; i < 2; i++)
            await tx.execute(statement).catch((error) => errors.push(sqlState(error)))
        },
        { isolationLevel: 'nonsense' as 'serializable' },
      )
      errors.push(sqlState(await failing.catch((thrown: unknown) => thrown)))
      expect({ errors, numbers: await numbers() }).toEqual({
        errors: ['42601', '42601', '42601'],
        numbers: [],
      })
      expect(fixture.database.status()).toMatchObject({ checkedOut: 0 })
    })
  }

  test('whose first statement failed refuse the next with what the server says', async () => {
    const errors: unknown[] = []
    const failing = fixture.database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1/${0}::int`).catch((error) => errors.push(sqlState(error)))
      await tx.execute(sql`select 1`).catch((error) => errors.push(sqlState(error)))
    })
    errors.push(sqlState(await failing.catch((thrown: unknown) => thrown)))
    expect(errors).toEqual(['22012', '25P02', '22012'])
  })

  test('give a first statement the rows it asks for, whatever it is', async () => {
    const { db } = fixture.database
    const first = (statement: SQL) => db.transaction(async (tx) => [...(await tx.execute(statement))])
    const answers = []
    for (let warm = 0; warm < 2; warm++)
      answers.push(
        await first(sql`select ${1}::int as n`),
        await first(sql`select 2 as n`),
        await first(sql`select n from generate_series(3, ${4}::int) n`),
        await first(sql`select ${5}::int as n where false`),
        await first(sql`set local statement_timeout = 1000`),
        await db.transaction((tx) =>
          tx.transaction(async (inner) => [...(await inner.execute(sql`select 6 as n`))]),
        ),
      )
    const expected = [[{ n: 1 }], [{ n: 2 }], [{ n: 3 }, { n: 4 }], [], [], [{ n: 6 }]]
    expect(answers).toEqual([...expected, ...expected])
  })

  test('that lose their connection during COMMIT are rolled back if the server says that it ended it, else their outcome is unknown', async () => {
    const owner = fixture.open({ name: 'owner of slow commits', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`
      create table slow_commits (n int);
      create function slow_commit() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
      create constraint trigger slow after insert on slow_commits deferrable initially deferred
        for each row execute function slow_commit()`)
    const { hostname, port } = new URL(fixture.test.appUrl)
    await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
    const outcomeWhen = async (breakOff: (pid: number) => unknown) => {
      const { db, close } = fixture.open({ url: proxy.url(fixture.test.appUrl) })
      const victim = db
        .transaction(async (tx) => {
          await tx.execute(sql`insert into slow_commits values (1)`)
        })
        .catch((thrown: unknown) => thrown)
      await eventually(async () => {
        const backends = await fixture.backends()
        const committing = backends.find(({ state, query }) => state === 'active' && query === 'commit')
        if (!committing) return false
        await breakOff(committing.pid)
        return true
      })
      const error = (await victim) as ConnectionLostError
      await fixture.terminate()
      await close()
      return [error.code, error.outcome]
    }
    expect({
      ended: await outcomeWhen((pid) => fixture.terminate(pid)),
      cut: await outcomeWhen(() => proxy.cut()),
    }).toEqual({ ended: ['CONNECTION_LOST', 'rolled-back'], cut: ['CONNECTION_LOST', 'unknown'] })
  })

  test('send nothing at all when they contain nothing', async () => {
    // Nor a ping, however long a busy machine has left the connection idle.
    await using single = await createFixture({ pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 } })
    await single.database.db.execute(sql`select 'before' as marker`)
    expect(await single.database.db.transaction(async () => 7)).toBe(7)
    expect(await single.backends()).toMatchObject([{ query: "select 'before' as marker" }])
  })

  test('keep to one backend while others use the pool', async () => {
    const pid = sql`select pg_backend_pid() as pid`
    const seen = await fixture.database.db.transaction(async (tx) => {
      const own: unknown[] = []
      for (let i = 0; i < 5; i++) {
        own.push(await firstRow(tx.execute(pid)))
        await Promise.all([1, 2, 3].map(() => fixture.database.db.execute(pid)))
      }
      return own
    })
    expect(new Set(seen.map((row) => (row as { pid: number }).pid)).size).toBe(1)
  })

  test('take their isolation from each other: 40001 arrives as the server sent it', async () => {
    await clear()
    await fixture.database.db.insert(rows).values([{ n: 10 }, { n: 20 }])
    const { db } = fixture.database
    const serializable = { isolationLevel: 'serializable' } as const
    const error = await db
      .transaction(async (first) => {
        await first.select().from(rows)
        await db.transaction(async (second) => {
          await second.select().from(rows)
          await second.insert(rows).values({ n: 30 })
        }, serializable)
        await first.insert(rows).values({ n: 40 })
      }, serializable)
      .catch((thrown: unknown) => thrown)
    expect(sqlState(error)).toBe('40001')
  })
})
