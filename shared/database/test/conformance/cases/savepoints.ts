import { sql } from 'drizzle-orm'
import { type ConformanceCase, failure, outcome } from '../case.ts'
import { groups } from '../schema.ts'

const names = 'select name from groups order by name'
const insert = (name: string) => ({ name })

export const savepointCases: ConformanceCase[] = [
  {
    name: 'a nested transaction commits with its parent',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        await tx.insert(groups).values(insert('outer'))
        const inner = await tx.transaction(async (nested) => {
          await nested.insert(groups).values(insert('inner'))
          return nested.$count(groups)
        })
        return [inner, await tx.$count(groups)]
      }),
      await observe(names),
    ],
  },
  {
    name: 'a nested transaction that throws undoes only itself',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        await tx.insert(groups).values(insert('before'))
        const error = await failure(
          tx.transaction(async (nested) => {
            await nested.insert(groups).values(insert('lost'))
            throw new Error('inner')
          }),
        )
        await tx.insert(groups).values(insert('after'))
        return error
      }),
      await observe(names),
    ],
  },
  {
    name: 'a nested rollback undoes only itself',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        const error = await failure(
          tx.transaction(async (nested) => {
            await nested.insert(groups).values(insert('lost'))
            nested.rollback()
          }),
        )
        await tx.insert(groups).values(insert('kept'))
        return error
      }),
      await observe(names),
    ],
  },
  {
    name: 'a statement that fails in a nested transaction leaves the parent usable',
    run: async (db, { observe }) => [
      await db.transaction(async (tx) => {
        await tx.insert(groups).values(insert('before'))
        const error = await failure(tx.transaction((nested) => nested.insert(groups).values(insert('staff'))))
        return [error, await tx.insert(groups).values(insert('after')).returning({ name: groups.name })]
      }),
      await observe(names),
    ],
  },
  {
    name: 'an error that leaves every level undoes everything',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.insert(groups).values(insert('outer'))
          await tx.transaction((nested) => nested.transaction((deep) => deep.execute(sql`select 1/0`)))
        }),
      ),
      await observe(names),
    ],
  },
  {
    name: 'five levels deep commit and roll back each for itself',
    run: async (db, { observe }) => {
      const descend = async (tx: Pick<typeof db, 'transaction' | 'insert'>, depth: number): Promise<void> => {
        await tx.insert(groups).values(insert(`level ${depth}`))
        if (depth === 5) return
        await outcome(
          tx.transaction(async (nested) => {
            await descend(nested, depth + 1)
            if (depth === 3) throw new Error('undo four and five')
          }),
        )
      }
      await db.transaction((tx) => descend(tx, 1))
      return observe(names)
    },
  },
  {
    name: 'many nested transactions one after the other each keep or lose their row',
    run: async (db, { observe }) => {
      await db.transaction(async (tx) => {
        for (let n = 0; n < 10; n++) {
          await outcome(
            tx.transaction(async (nested) => {
              await nested.insert(groups).values(insert(`n${n}`))
              if (n % 2) nested.rollback()
            }),
          )
        }
      })
      return observe(names)
    },
  },
  {
    name: 'a nested transaction rolled back by its parent’s failure is gone too',
    run: async (db, { observe }) => [
      await failure(
        db.transaction(async (tx) => {
          await tx.transaction((nested) => nested.insert(groups).values(insert('inner')))
          throw new Error('outer')
        }),
      ),
      await observe(names),
    ],
  },
]
