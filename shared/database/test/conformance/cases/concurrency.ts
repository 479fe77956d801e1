import { eq, sql } from 'drizzle-orm'
import { type ConformanceCase, createGate, outcome } from '../case.ts'
import { accounts, groups, people } from '../schema.ts'
import { variant } from '../variant.ts'

const numbers = (length: number) => Array.from({ length }, (_, i) => i)

export const concurrencyCases: ConformanceCase[] = [
  {
    name: 'fifty queries at once each get their own rows',
    run: (db) =>
      Promise.all(numbers(50).map((n) => db.execute(sql`select ${n}::int as n, ${`text ${n}`} as text`))),
  },
  {
    name: 'fifty queries of different shapes at once each get their own columns',
    run: (db) =>
      Promise.all(
        numbers(50).map((n) =>
          db.execute(
            sql`select ${sql.join(
              numbers((n % 7) + 1).map((c) => sql`${n * 10 + c}::int as ${sql.identifier(`c${c}`)}`),
              sql`, `,
            )}`,
          ),
        ),
      ),
  },
  {
    name: 'fifty unparameterised queries at once each get their own rows',
    run: (db) => Promise.all(numbers(50).map((n) => db.execute(sql.raw(`select ${n} as n`)))),
  },
  {
    name: 'slow and fast queries interleaved get their own rows',
    run: (db) =>
      Promise.all(
        numbers(40).map((n) =>
          db.execute(sql`select ${n}::int as n, pg_sleep(${n % 5 === 0 ? 0.02 : 0})::text as slept`),
        ),
      ),
  },
  {
    name: 'failing queries among good ones fail alone',
    run: (db) =>
      Promise.all(
        numbers(30).map((n) =>
          outcome(db.execute(sql`select 100 / ${n % 3}::int as quotient, ${n}::int as n`)),
        ),
      ),
  },
  {
    name: 'builders, raw and relational queries mixed at once keep to their own mapping',
    run: (db) =>
      Promise.all(
        numbers(10).flatMap((n) => [
          db
            .select({ id: people.id, tags: people.tags })
            .from(people)
            .where(eq(people.id, (n % 5) + 1)),
          db.execute(sql`select tags, id from people where id = ${(n % 5) + 1}`),
          variant.ask.nameAndPosts(db, (n % 5) + 1),
          db.$count(people),
        ]),
      ),
  },
  {
    name: 'concurrent inserts all arrive and return their own row',
    run: async (db) => {
      const inserted = await Promise.all(
        numbers(30).map((n) =>
          db
            .insert(groups)
            .values({ name: `g${n}` })
            .returning({ name: groups.name }),
        ),
      )
      return [inserted, await db.select({ name: groups.name }).from(groups).orderBy(groups.name)]
    },
  },
  {
    name: 'concurrent increments lose no update',
    run: async (db) => {
      await Promise.all(
        numbers(40).map(() =>
          db
            .update(accounts)
            .set({ amount: sql`${accounts.amount} + 1` })
            .where(eq(accounts.id, 1)),
        ),
      )
      return db.select().from(accounts).where(eq(accounts.id, 1))
    },
  },
  {
    name: 'concurrent upserts of one key leave one row',
    run: async (db) => {
      const upsert = () =>
        db
          .insert(groups)
          .values({ name: 'only' })
          .onConflictDoUpdate({ target: groups.name, set: { name: 'only' } })
          .returning({ name: groups.name })
      return [await Promise.all(numbers(20).map(upsert)), await db.$count(groups, eq(groups.name, 'only'))]
    },
  },
  {
    name: 'concurrent violations of one key let exactly one through',
    run: async (db) => {
      const outcomes = await Promise.all(
        numbers(10).map(() =>
          outcome(db.insert(groups).values({ name: 'once' }).returning({ name: groups.name })),
        ),
      )
      const errors = outcomes.flatMap((each) => ('error' in each ? [each.error] : []))
      return {
        inserted: outcomes.length - errors.length,
        errors: errors
          .map((error) => (error as Error).cause)
          .map((cause) => (cause as { code: string }).code),
      }
    },
  },
  {
    name: 'transactions at once each see their own writes and all commit',
    severalConnections: true,
    run: async (db) => {
      const seen = await Promise.all(
        numbers(12).map((n) =>
          db.transaction(async (tx) => {
            await tx.insert(accounts).values({ id: 100 + n, owner: `owner ${n}`, amount: n })
            return tx
              .select()
              .from(accounts)
              .where(eq(accounts.id, 100 + n))
          }),
        ),
      )
      return [seen, await db.$count(accounts)]
    },
  },
  {
    name: 'queries outside do not see an open transaction, and see it after its commit',
    severalConnections: true,
    run: async (db) => {
      const written = createGate()
      const looked = createGate()
      const transaction = db.transaction(async (tx) => {
        await tx.update(accounts).set({ owner: 'uncommitted' }).where(eq(accounts.id, 1))
        written.open()
        await looked.opened
      })
      await written.opened
      const read = () => db.select({ owner: accounts.owner }).from(accounts).where(eq(accounts.id, 1))
      const during = await Promise.all([read(), read(), read()])
      looked.open()
      await transaction
      return [during, await read()]
    },
  },
  {
    name: 'queries inside one transaction at once each get their own rows',
    run: (db) =>
      db.transaction((tx) => Promise.all(numbers(30).map((n) => tx.execute(sql`select ${n}::int as n`)))),
  },
  {
    name: 'skip locked lets two workers take different rows',
    severalConnections: true,
    run: (db) => {
      const take = sql`select id from accounts order by id for update skip locked limit 1`
      return db.transaction(async (first) => {
        const mine = await first.execute(take)
        return [mine, await db.transaction((second) => second.execute(take))]
      })
    },
  },
]
