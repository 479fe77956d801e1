import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, createDatabase, type Notice } from '../src/index.ts'

let place: TestDatabase
beforeAll(async () => {
  place = await withDatabase()
})
afterAll(() => place.drop())

const raise = (text: string) => sql.raw(`do $$ begin raise notice '${text}' using hint = 'a hint'; end $$`)

function open(onNotice: (notice: Notice) => unknown) {
  return createDatabase({
    name: 'notices',
    url: place.ownerUrl,
    pool: { poolSize: 1, maxOverflow: 0 },
    onNotice,
  })
}

describe('onNotice', () => {
  test('has each notice of a statement before its answer, and none of the layer’s own statements', async () => {
    const notices: Notice[] = []
    const database = open((notice) => notices.push(notice))
    await database.db.execute(raise('single'))
    await database.db.transaction((tx) => tx.execute(raise('transaction')))
    // What it leaves is reset, by a ROLLBACK among others, of which the server says that there is nothing to roll back.
    await database.use(({ db }) => db.execute(sql`set search_path = x`))
    await database.use(({ db }) => db.execute(raise('use')))
    await database.db.execute(sql`drop table if exists nowhere`)
    const messages = notices.map(({ message }) => message)
    expect({
      messages,
      first: notices[0],
      events: database.events().filter(({ detail }) => detail?.includes('single')),
    }).toEqual({
      messages: ['single', 'transaction', 'use', 'table "nowhere" does not exist, skipping'],
      first: expect.objectContaining({
        severity: 'NOTICE',
        code: '00000',
        message: 'single',
        hint: 'a hint',
      }),
      events: [],
    })
    await database.close()
  })

  test('may throw, and promise what it breaks', async () => {
    let calls = 0
    const listeners = [
      () => {
        calls++
        throw new Error('a listener failed')
      },
      async () => {
        calls++
        throw new Error('a listener failed later')
      },
    ]
    for (const listener of listeners) {
      const database = open(listener)
      await Promise.all([1, 2, 3].map((n) => database.db.execute(raise(`${n}`))))
      expect(await database.db.execute(sql`select 1 as n`)).toMatchObject([{ n: 1 }])
      expect(database.status().counters).toMatchObject({ connects: 1, defects: 0 })
      await database.close()
    }
    expect(calls).toBe(6)
  })

  test('must be a function', () => {
    expect(() => open('log' as never)).toThrow(
      new ConfigurationError('Option onNotice must be a function, got "log".'),
    )
  })
})
