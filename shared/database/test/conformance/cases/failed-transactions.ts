import { eq, sql } from 'drizzle-orm'
import { type ConformanceCase, failure } from '../case.ts'
import { accounts, entries, groups } from '../schema.ts'

const names = 'select name from groups order by name'
const insert = (name: string) => ({ name })

export const failedTransactionCases: ConformanceCase[] = [
  {
    name: 'an error caught inside a transaction makes later statements fail and the transaction reject',
    run: async (db, { observe }) => {
      const seen: unknown[] = []
      const rejected = await failure(
        db.transaction(async (tx) => {
          await tx.insert(groups).values(insert('lost'))
          seen.push(await failure(tx.insert(groups).values(insert('staff'))))
          seen.push(await failure(tx.select().from(groups)))
          seen.push(await failure(tx.execute(sql`select 1`)))
          return 'resolved'
        }),
      )
      return [rejected, seen, await observe(names)]
    },
  },
  {
    name: 'an error caught inside a transaction and nothing after it makes the transaction reject',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.insert(groups).values(insert('lost'))
          await failure(tx.execute(sql`select ${0}::int / 0`))
          return 'resolved'
        }),
      ),
      await observe(names),
    ],
  },
  {
    name: 'an error caught inside a nested transaction makes the nested one reject',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        await tx.insert(groups).values(insert('kept'))
        return failure(
          tx.transaction(async (nested) => {
            await nested.insert(groups).values(insert('lost'))
            await failure(nested.execute(sql`select * from missing_table`))
            return 'resolved'
          }),
        )
      }),
      await observe(names),
    ],
  },
  {
    name: 'another error thrown after a failed statement is the one rejected with',
    run: (db) =>
      failure(
        db.transaction(async (tx) => {
          await failure(tx.execute(sql`select 1/0`))
          throw new Error('the later one')
        }),
      ),
  },
  {
    name: 'rollback after a failed statement rejects with the rollback',
    run: (db) =>
      failure(
        db.transaction(async (tx) => {
          await failure(tx.execute(sql`select 1/0`))
          tx.rollback()
        }),
      ),
  },
  {
    name: 'a constraint deferred to the commit fails there',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.insert(entries).values({ id: 1, accountId: 404 })
          return tx.$count(entries)
        }),
      ),
      await observe('select count(*)::int as n from entries'),
    ],
  },
  {
    name: 'a constraint deferred to the commit is content when it is satisfied before',
    run: async (db, { observe }) => {
      await db.transaction(async (tx) => {
        await tx.insert(entries).values({ id: 1, accountId: 9 })
        await tx.transaction((nested) => nested.insert(accounts).values({ id: 9, owner: 'late', amount: 0 }))
      })
      return observe('select e.id, owner from entries e join accounts a on a.id = account_id')
    },
  },
  {
    name: 'a deferred constraint made immediate fails at once',
    run: (db) =>
      failure(
        db.transaction(async (tx) => {
          await tx.insert(entries).values({ id: 1, accountId: 404 })
          await tx.execute(sql`set constraints all immediate`)
        }),
      ),
  },
  {
    name: 'statements after a nested rollback see the parent’s state',
    run: (db) =>
      db.transaction(async (tx) => {
        await tx.update(accounts).set({ amount: 5 }).where(eq(accounts.id, 1))
        await failure(
          tx.transaction(async (nested) => {
            await nested.update(accounts).set({ amount: 6 }).where(eq(accounts.id, 1))
            nested.rollback()
          }),
        )
        return tx.select().from(accounts).where(eq(accounts.id, 1))
      }),
  },
]
