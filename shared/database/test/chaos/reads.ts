import { asc, lte, sql } from 'drizzle-orm'
import { type Act, mustBe } from './caller.ts'
import { bodyOf, shelf, shelfRows } from './stage.ts'

// One text with parameters of several types, as a value that is not always there has them.
const values = ['x', true, 7, 5n]

/** A nonce comes back to who sent it, and no mark of somebody's session with it. */
const nonce: Act = (caller) =>
  caller.attempt('a read of a nonce', () =>
    caller.bounded(async () => {
      const { random, world } = caller
      const own = caller.nonce()
      // More texts than are kept prepared.
      const text = sql.raw(`/* ${random.int(0, 12)} */`)
      const rows = await caller.ask(
        world.database.db,
        sql`select ${own}::text as nonce, coalesce(current_setting('chaos.mark', true), '') as mark,
          ${random.pick(values)}::text is null as missing ${text}`,
      )
      mustBe(rows, [{ nonce: own, mark: '', missing: false }])
    }),
  )

/** Rows of a table, up to some tens of kilobytes: a cut falls between their packets and inside them. */
const page: Act = (caller) =>
  caller.attempt('a page of rows', () =>
    caller.bounded(async () => {
      const own = caller.nonce()
      const count = caller.random.int(0, shelfRows)
      const rows = await caller.ask(
        caller.world.database.db,
        sql`select ${own}::text as nonce, n, body from shelf where n <= ${count} order by n`,
      )
      mustBe(
        rows,
        Array.from({ length: count }, (_, i) => ({ nonce: own, n: i + 1, body: bodyOf(i + 1) })),
      )
    }),
  )

const built: Act = (caller) =>
  caller.attempt('a built select', () =>
    caller.bounded(async () => {
      const count = caller.random.int(1, 8)
      caller.world.ledger.statements++
      const rows = await caller.world.database.db
        .select()
        .from(shelf)
        .where(lte(shelf.n, count))
        .orderBy(asc(shelf.n))
      mustBe(
        rows,
        Array.from({ length: count }, (_, i) => ({ n: i + 1, body: bodyOf(i + 1) })),
      )
    }),
  )

/** All columns, however many there are now: its plan is stale when one was added. */
const star: Act = (caller) =>
  caller.attempt('a read of all columns', async () => {
    const n = caller.random.int(1, shelfRows)
    const rows = await caller.ask(caller.world.database.db, sql`select * from shelf where n = ${n}`)
    mustBe(
      rows.map((row) => [row.n, row.body]),
      [[n, bodyOf(n)]],
    )
  })

const list: Act = (caller) =>
  caller.attempt('an array', () =>
    caller.bounded(async () => {
      const own = caller.nonce()
      const count = caller.random.pick([0, 1, 10, 3_000])
      const rows = await caller.ask(
        caller.world.database.db,
        sql`select ${own}::text as nonce, array(select g from generate_series(1, ${count}::int) g) as list`,
      )
      mustBe(rows, [{ nonce: own, list: Array.from({ length: count }, (_, i) => i + 1) }])
    }),
  )

const json: Act = (caller) =>
  caller.attempt('a document', async () => {
    const document = { own: caller.nonce(), list: [1, 'two', null] }
    const rows = await caller.ask(
      caller.world.database.db,
      sql`select ${JSON.stringify(document)}::jsonb as document`,
    )
    mustBe(rows, [{ document }])
  })

const slow: Act = (caller) =>
  caller.attempt('a slow read', () =>
    caller.bounded(async () => {
      const own = caller.nonce()
      const rows = await caller.ask(
        caller.world.database.db,
        sql`select ${own}::text as nonce from pg_sleep(${caller.random.next() * 0.05})`,
      )
      mustBe(rows, [{ nonce: own }])
    }),
  )

/** A statement's own error arrives where it was made, and nobody else's connection suffers. */
const failing: Act = (caller) =>
  caller.attempt(
    'a division by zero',
    async () => {
      await caller.ask(caller.world.database.db, sql`select 1 / ${0}::int as v`)
      mustBe('an answer', 'an error')
    },
    { asked: ['22012'] },
  )

/** Reads, each as often as its weight says. */
export const reads: readonly (readonly [weight: number, act: Act])[] = [
  [8, nonce],
  [4, page],
  [2, built],
  [2, star],
  [3, list],
  [1, json],
  [3, slow],
  [1, failing],
]
