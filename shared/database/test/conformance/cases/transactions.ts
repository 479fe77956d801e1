import { asc, eq, sql } from 'drizzle-orm'
import { type ConformanceCase, failure } from '../case.ts'
import { accounts, groups } from '../schema.ts'

const all = 'select id, owner, amount from accounts order by id'

export const transactionCases: ConformanceCase[] = [
  {
    name: 'a transaction commits what it wrote and resolves to its callback’s value',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        await tx.update(accounts).set({ amount: 1 }).where(eq(accounts.id, 1))
        return {
          rows: await tx.select().from(accounts).orderBy(asc(accounts.id)),
          at: new Date(0),
          nothing: undefined,
        }
      }),
      await observe(all),
    ],
  },
  {
    name: 'a transaction without a statement commits and resolves',
    run: async (db) => [
      await db.transaction(async () => 'value'),
      await db.transaction(async () => [1, Promise.resolve(2)]),
      (await db.transaction(async () => undefined)) === undefined,
    ],
  },
  {
    name: 'a thrown error rolls back and is the very error rejected with',
    run: async (db, { observe }) => {
      const thrown = new TypeError('mine')
      const caught = await failure(
        db.transaction(async (tx) => {
          await tx.delete(accounts)
          throw thrown
        }),
      )
      return [caught === thrown, caught, await observe(all)]
    },
  },
  {
    name: 'a thrown value that is no error rolls back and is rejected with',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.delete(accounts)
          throw 'a string'
        }),
      ),
      await failure(db.transaction(() => Promise.reject(undefined))),
      await observe(all),
    ],
  },
  {
    name: 'a callback that throws before its first await rolls back',
    run: async (db, { observe }) => [
      await failure(() =>
        db.transaction(() => {
          throw new RangeError('at once')
        }),
      ),
      await observe(all),
    ],
  },
  {
    name: 'tx.rollback rejects with TransactionRollbackError and undoes the writes',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.insert(groups).values({ name: 'gone' })
          tx.rollback()
        }),
      ),
      await observe('select name from groups order by id'),
    ],
  },
  {
    name: 'a failing statement rolls back and rejects with its error',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.update(accounts).set({ amount: 0 })
          await tx.insert(accounts).values({ id: 1, owner: 'twice', amount: 1 })
        }),
      ),
      await observe(all),
    ],
  },
  {
    name: 'a handle works after each way a transaction ends',
    run: async (db) => {
      for (let round = 0; round < 6; round++) {
        await db.transaction((tx) => tx.select().from(accounts))
        await failure(db.transaction((tx) => tx.execute(sql`select 1/0`)))
        await failure(db.transaction(async (tx) => tx.rollback()))
      }
      return db.select().from(accounts).orderBy(accounts.id)
    },
  },
]
