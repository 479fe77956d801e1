import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { causes } from '../../src/index.ts'
import { createFixture, firstRow } from '../support.ts'
import { caller, listen } from './listener.ts'

const asked = (parameter: string) => sql`select current_query() as text, ${parameter}::text as given`

describe('a comment', () => {
  test('is sent behind each text, prepared ones, those in a transaction and in use() included, and kept out of all that is shown', async () => {
    await using fixture = await createFixture({ comments: { tags: { application: 'a b' } } })
    const { database } = fixture
    using listener = listen(database.name, ['statement'])
    const textOf = async (result: PromiseLike<unknown>) => (await firstRow<{ text: string }>(result)).text
    const texts = [
      await textOf(database.db.execute(asked('1'))),
      await database.db.transaction(async (tx) => {
        await tx.execute(sql`select 1`)
        return await textOf(tx.execute(asked('1')))
      }),
      await database.use(({ db }) => textOf(db.execute(asked('1')))),
      await textOf(database.db.execute(sql`select current_query() as text -- as it is`)),
    ]
    const sent = "select current_query() as text, $1::text as given\n/*application='a%20b'*/"
    expect(texts).toEqual([sent, sent, sent, 'select current_query() as text -- as it is'])
    const error = await database.db.execute(sql`select ${1}::int / 0`).catch((thrown: unknown) => thrown)
    expect([...causes(error)].map((link) => Bun.inspect(link)).join()).not.toContain('application=')
    const shown = listener.heard.filter(({ event }) => event === 'asyncEnd').map(({ fields }) => fields)
    expect(shown.map(({ prepared, text }) => [prepared, String(text).includes('application')])).toEqual([
      [true, false],
      [false, false],
      [true, false],
      [true, false],
      [false, false],
      [true, false],
    ])
  })

  test('that is a statement’s own is sent unprepared, and leaves plans as they are', async () => {
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0 },
      comments: {
        tags: { application: 'a' },
        perStatement: () => (caller.getStore() ? { traceparent: caller.getStore() as string } : null),
      },
    })
    const { database } = fixture
    const run = async (parameter: string) =>
      (await firstRow<{ text: string }>(database.db.execute(asked(parameter)))).text
    const texts = [
      await run('1'),
      await caller.run('t1', () => run('2')),
      await caller.run('t2', () => run('3')),
      await run('4'),
    ]
    const { plans } = await firstRow<{ plans: number }>(
      database.db.execute(sql`select count(*)::int as plans from pg_prepared_statements`),
    )
    const comments = texts.map((text) => text.split('\n')[1])
    expect({ comments, plans }).toEqual({
      comments: [
        "/*application='a'*/",
        "/*application='a',traceparent='t1'*/",
        "/*application='a',traceparent='t2'*/",
        "/*application='a'*/",
      ],
      plans: 1,
    })
  })

  test('changes nothing of how a statement is treated: a read shares its connection, a stateful one is reset', async () => {
    await using fixture = await createFixture({
      // A text that was slow once, as any is on a busy machine, has its connection for itself.
      pool: { poolSize: 1, maxOverflow: 0, slowStatementMs: 60_000 },
      comments: { perStatement: () => ({ n: String(Math.random()) }) },
    })
    const { database } = fixture
    await database.db.execute(sql`set application_name = 'other'`)
    const read = (n: number) => database.db.execute(sql`select ${n}::int as n`).execute()
    // A text is put behind another once the types of its parameters are known.
    await read(0)
    const reads = [1, 2, 3].map(read)
    const { waiting } = database.status()
    const rows = await Promise.all(reads)
    const { name } = await firstRow<{ name: string }>(
      database.db.execute(sql`select current_setting('application_name') as name`),
    )
    expect({ waiting, rows: rows.map(([row]) => row), name }).toEqual({
      waiting: 0,
      rows: [{ n: 1 }, { n: 2 }, { n: 3 }],
      name: database.name,
    })
  })
})
