import { describe, expect, test } from 'bun:test'
import { withDatabase } from '@shared/postgres/testing'
import { eq, sql } from 'drizzle-orm'
import { createDatabase } from '../src/index.ts'
import { groups, people } from './conformance/schema.ts'
import { drizzleOver, variant } from './conformance/variant.ts'
import { createWorld, resetWorld } from './conformance/world.ts'

/** Notes every member that is read, in clients made inside transactions too. */
function spy(target: object, path: string, seen: Set<string>): unknown {
  return new Proxy(target, {
    get(object, member) {
      if (typeof member === 'string') seen.add(`${path}.${member}`)
      const value = Reflect.get(object, member)
      if (typeof value !== 'function' || member === 'options') return value
      return (...given: unknown[]) =>
        value.apply(
          object,
          given.map((argument) =>
            typeof argument === 'function'
              ? (inner: object) => argument(spy(inner, 'transaction', seen))
              : argument,
          ),
        )
    },
  })
}

describe('what Drizzle touches of its client', () => {
  test('is what DrizzleClient has: an upgrade that touches more fails here', async () => {
    await using test = await withDatabase()
    const database = createDatabase({ name: 'surface', url: test.ownerUrl })
    await database.db.execute(sql.raw(`${createWorld}; ${resetWorld}`))
    const seen = new Set<string>()
    const db = drizzleOver(spy(database.db.$client, 'client', seen))
    await db.insert(groups).values({ name: 'new' }).returning()
    expect(await variant.ask.nameAndPosts(db, 2)).toMatchObject({
      name: 'Grace',
      posts: [{ title: 'Nanoseconds' }],
    })
    await db.execute(sql`select ${1}::int`)
    await db
      .select()
      .from(people)
      .where(eq(people.id, sql.placeholder('id')))
      .prepare('by_id')
      .execute({ id: 1 })
    await db.transaction((tx) => tx.transaction((inner) => inner.select().from(groups)), {
      isolationLevel: 'serializable',
    })
    expect(await db.$count(groups)).toBe(4)
    expect([...seen].sort()).toEqual([
      'client.begin',
      'client.options',
      'client.unsafe',
      'transaction.savepoint',
      'transaction.unsafe',
    ])
    await database.close()
  })
})
