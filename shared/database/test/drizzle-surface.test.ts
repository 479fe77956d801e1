import { describe, expect, test } from 'bun:test'
import { relations, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import { createFixture } from './support.ts'

const parent = pgTable('surface_parent', { id: integer().primaryKey() })
const child = pgTable('surface_child', { id: integer().primaryKey(), parent: integer() })
const schema = {
  parent,
  child,
  parentRelations: relations(parent, ({ many }) => ({ children: many(child) })),
  childRelations: relations(child, ({ one }) => ({
    parent: one(parent, { fields: [child.parent], references: [parent.id] }),
  })),
}

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
    await using fixture = await createFixture()
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(
      sql`create table surface_parent (id int primary key); create table surface_child (id int primary key, parent int)`,
    )
    const seen = new Set<string>()
    const db = drizzle({ client: spy(fixture.database.db.$client, 'client', seen) as never, schema })
    await db.insert(parent).values({ id: 1 }).returning()
    await db.insert(child).values({ id: 2, parent: 1 })
    expect(await db.query.parent.findMany({ with: { children: true } })).toEqual([
      { id: 1, children: [{ id: 2, parent: 1 }] },
    ])
    await db.execute(sql`select ${1}::int`)
    await db
      .select()
      .from(parent)
      .where(sql`id = ${sql.placeholder('id')}`)
      .prepare('by_id')
      .execute({ id: 1 })
    await db.transaction((tx) => tx.transaction((inner) => inner.select().from(child)), {
      isolationLevel: 'serializable',
    })
    expect(await db.$count(parent)).toBe(1)
    expect([...seen].sort()).toEqual([
      'client.begin',
      'client.options',
      'client.unsafe',
      'transaction.savepoint',
      'transaction.unsafe',
    ])
  })
})
