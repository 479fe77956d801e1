import { describe, expect, test } from 'bun:test'
import {
  and,
  asc,
  desc,
  eq,
  gt,
  inArray,
  isNull,
  type SQL,
  type SQLChunk,
  type SQLWrapper,
  StringChunk,
  sql,
} from 'drizzle-orm'
import {
  alias,
  customType,
  integer,
  jsonb,
  type PgDatabase,
  PgDialect,
  type PgQueryResultHKT,
  pgEnum,
  pgSchema,
  pgTable,
  pgView,
  QueryBuilder,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import fc from 'fast-check'
import { createDrizzleClient } from '../client.ts'
import type { DrizzleOptions } from '../config.ts'
import { createHandles } from '../handle.ts'
import { FasterDialect } from './dialect.ts'

const lowered = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => sql`lower(${value})`,
})
const mood = pgEnum('mood', ['good', 'bad'])
const shop = pgSchema('a "quoted" shop')
const plain = pgTable('plain', {
  id: integer().primaryKey(),
  name: text('na"me').notNull(),
  code: lowered('code'),
  data: jsonb(),
  at: timestamp({ withTimezone: true }),
  lastSeenAt: timestamp({ withTimezone: true }),
})
const inSchema = shop.table('items', { id: integer().primaryKey(), plainId: integer('plain_id') })
const made = pgTable('made', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  stamp: text().$defaultFn(() => 'made'),
  lower: text().$defaultFn(() => sql`lower(${'X'})`),
  touched: text().$onUpdateFn(() => 'touched'),
  fixed: text().default('fixed'),
  double: integer().generatedAlwaysAs(sql`1 + 1`),
  madeByWhom: text().$defaultFn(() => 'us'),
})
const view = pgView('some_view').as((query) => query.select().from(plain))
const other = alias(plain, 'other')

const stock = new PgDialect()
const ours = new FasterDialect() as unknown as PgDialect
const casings = [undefined, 'snake_case', 'camelCase'] as const
type Casing = (typeof casings)[number]

/** The same query by both dialects, with what they keep of the tables used in it. */
function both(make: (query: QueryBuilder) => { getSQL(): SQL }, casing: Casing): [unknown, unknown] {
  const dialects = [new PgDialect({ casing }), new FasterDialect({ casing }) as unknown as PgDialect]
  const [theirs, own] = dialects.map((dialect) => {
    const query = make(new QueryBuilder(dialect)).getSQL()
    const { sql: text, params } = dialect.sqlToQuery(query)
    return { text, params, tables: (query as unknown as { usedTables: string[] }).usedTables }
  })
  return [own, theirs]
}

const queries: Record<string, (query: QueryBuilder) => { getSQL(): SQL }> = {
  'a whole table': (query) => query.select().from(plain),
  'some columns, renamed': (query) => query.select({ key: plain.id, label: plain.name }).from(plain),
  'columns in columns': (query) => query.select({ a: { id: plain.id }, b: plain.name }).from(plain),
  'a table in a schema': (query) => query.select().from(inSchema).where(gt(inSchema.id, 1)),
  'an aliased table': (query) => query.select().from(other).where(eq(other.id, 1)),
  conditions: (query) =>
    query
      .select()
      .from(plain)
      .where(and(inArray(plain.id, [1, 2, 3]), isNull(plain.at), eq(plain.data, { a: [1] }))),
  'an encoder that answers with SQL': (query) => query.select().from(plain).where(eq(plain.code, 'ABC')),
  'order, limit and offset': (query) =>
    query.select().from(plain).orderBy(desc(plain.at), asc(plain.id)).limit(5).offset(10),
  'limit 0 and offset 0': (query) => query.select().from(plain).limit(0).offset(0),
  placeholders: (query) =>
    query
      .select()
      .from(plain)
      .where(eq(plain.name, sql.placeholder('name')))
      .limit(sql.placeholder('most'))
      .offset(sql.placeholder('first')),
  'groups and what they have': (query) =>
    query
      .select({ name: plain.name, count: sql<number>`count(*)` })
      .from(plain)
      .groupBy(plain.name)
      .having(gt(sql`count(*)`, 2)),
  'columns alone, in groups': (query) => query.select({ name: plain.name }).from(plain).groupBy(plain.name),
  distinct: (query) => query.selectDistinct().from(plain),
  'distinct on': (query) => query.selectDistinctOn([plain.name]).from(plain),
  locked: (query) => query.select().from(plain).for('update', { skipLocked: true }),
  joined: (query) => query.select().from(plain).leftJoin(inSchema, eq(inSchema.plainId, plain.id)),
  'joined with itself': (query) => query.select().from(plain).innerJoin(other, eq(other.id, plain.id)),
  'a view': (query) => query.select().from(view).where(eq(view.id, 1)),
  'a subquery': (query) =>
    query.select().from(query.select({ id: plain.id }).from(plain).where(eq(plain.id, 1)).as('inner')),
  'a subquery in a condition': (query) =>
    query
      .select()
      .from(plain)
      .where(
        and(
          eq(plain.name, 'a'),
          inArray(plain.id, query.select({ id: inSchema.plainId }).from(inSchema).where(gt(inSchema.id, 7))),
          eq(plain.name, 'b'),
        ),
      ),
  'a common table': (query) => {
    const named = query.$with('named').as(query.select().from(plain).where(eq(plain.id, 3)))
    return query.with(named).select().from(named).where(eq(named.id, 4))
  },
  'a union': (query) =>
    query
      .select({ id: plain.id })
      .from(plain)
      .where(eq(plain.id, 1))
      .union(query.select({ id: inSchema.id }).from(inSchema).where(eq(inSchema.id, 2)))
      .orderBy(plain.id)
      .limit(3),
  'an expression with a name': (query) =>
    query
      .select({ upper: sql`upper(${plain.name})`.as('upper') })
      .from(plain)
      .orderBy(sql`upper`),
}

type Written = { sql: string; params: unknown[] }

const writes: Record<string, (db: PgDatabase<PgQueryResultHKT>) => { toSQL(): Written }> = {
  'an insert': (db) => db.insert(plain).values({ id: 1, name: 'a', code: 'ABC', data: { a: 1 } }),
  'an insert of several rows': (db) =>
    db.insert(plain).values([
      { id: 1, name: 'a' },
      { id: 2, name: sql`upper(${'b'})`, at: null as never },
    ]),
  'an insert that returns the row': (db) => db.insert(inSchema).values({ id: 1 }).returning(),
  'an insert that returns columns': (db) =>
    db.insert(plain).values({ id: 1, name: 'a' }).returning({ key: plain.id, label: plain.name }),
  'an insert that returns an expression': (db) =>
    db
      .insert(plain)
      .values({ id: 1, name: 'a' })
      .returning({ upper: sql<string>`upper(${plain.name})` }),
  'an insert into columns that make their values': (db) => db.insert(made).values([{}, { stamp: 'given' }]),
  'an insert beside an identity': (db) => db.insert(made).overridingSystemValue().values({ id: 7 }),
  'an insert that gives way': (db) => db.insert(plain).values({ id: 1, name: 'a' }).onConflictDoNothing(),
  'an insert that becomes an update': (db) =>
    db
      .insert(plain)
      .values({ id: 1, name: 'a' })
      .onConflictDoUpdate({ target: plain.id, set: { name: sql`excluded.name` } })
      .returning(),
  'an insert from a select': (db) =>
    db.insert(inSchema).select(db.select({ id: plain.id, plainId: plain.id }).from(plain)),
  'an insert with placeholders': (db) =>
    db.insert(plain).values({ id: sql.placeholder('id'), name: sql.placeholder('name') }),
  'an update': (db) => db.update(plain).set({ name: 'b', data: null }).where(eq(plain.id, 1)).returning(),
  'an update of what makes its values': (db) => db.update(made).set({ stamp: 'b' }),
  'an update from another table': (db) =>
    db.update(plain).set({ name: 'b' }).from(inSchema).where(eq(inSchema.plainId, plain.id)),
  'a delete': (db) => db.delete(inSchema).where(eq(inSchema.id, 1)).returning({ id: inSchema.id }),
}

/** Drizzle as the layer makes it; it runs nothing. */
function handle(casing?: Casing) {
  const never = () => Promise.reject(new Error('nothing is run'))
  const options = { parsers: {}, serializers: {} }
  return createHandles({ drizzle: { casing } as DrizzleOptions })(
    createDrizzleClient({ options, run: never, begin: never, savepoint: never }),
  )
}

describe('the dialect says what Drizzle says of', () => {
  test.each(Object.entries(queries))('%s', (_name, make) => {
    for (const casing of casings) {
      const [own, theirs] = both(make, casing)
      expect(own).toEqual(theirs)
    }
  })

  test('a column of another table, which it refuses', () => {
    const make = (dialect: PgDialect) => () =>
      new QueryBuilder(dialect).select({ id: inSchema.id }).from(plain).getSQL()
    expect(make(ours)).toThrow('is not part of the query')
    expect(make(stock)).toThrow('is not part of the query')
  })

  test.each(Object.entries(writes))('%s', (_name, make) => {
    for (const casing of casings) {
      const [own, theirs] = [handle(casing), drizzle.mock({ casing } as never)].map((db) =>
        make(db as PgDatabase<PgQueryResultHKT>).toSQL(),
      )
      expect(own).toEqual(theirs as Written)
    }
  })

  test('a prepared query, without the typings of its parameters that other drivers use', () => {
    const [own, theirs] = [handle(), drizzle.mock()].map((db) =>
      (db as PgDatabase<PgQueryResultHKT>)
        .insert(plain)
        .values({ id: 1, name: 'a', data: { a: 1 }, at: new Date(0) })
        .prepare('one')
        .getQuery(),
    )
    expect(own).toStrictEqual(theirs as Written)
  })

  test('definitions, where columns go without their table', () => {
    const query = sql`(${plain.name})`
    expect(ours.sqlToQuery(query, 'indexes')).toEqual(stock.sqlToQuery(query, 'indexes'))
  })
})

test('every tree of chunks is rendered as Drizzle renders it', () => {
  const query = new QueryBuilder().select().from(plain).where(eq(plain.id, 9))
  const subquery = query.as('a "sub" query')
  const named = new QueryBuilder().$with('named').as(query)
  const wrapper: SQLWrapper = { getSQL: () => sql`wrapped ${5}` }
  const leaf: fc.Arbitrary<SQLChunk> = fc.oneof(
    fc.constantFrom<SQLChunk>(
      plain,
      inSchema,
      other,
      view,
      subquery,
      named,
      subquery.name,
      query as unknown as SQLChunk,
      plain.name,
      inSchema.id,
      other.name,
      mood as unknown as SQLChunk,
      wrapper as SQLChunk,
      undefined,
      null as unknown as SQLChunk,
      sql.identifier('a "name"'),
      sql.placeholder('given'),
      sql.param('V', plain.code),
      sql.param(sql.placeholder('given'), plain.data),
      sql`${7}`.as('seven'),
      sql`${'it’s'} and ${8}`.inlineParams(),
      new StringChunk(['in ', 'two parts']),
    ),
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.date()) as unknown as fc.Arbitrary<SQLChunk>,
    fc.string().map((value) => sql.raw(value)),
    fc.anything().map((value) => sql.param(value, plain.data)),
  )
  const { tree } = fc.letrec<{ tree: SQLChunk }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }).map((chunks) => sql.join(chunks, sql`, `)),
      fc.array(tie('tree'), { maxLength: 4 }) as unknown as fc.Arbitrary<SQLChunk>,
    ),
  }))
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 5 }), (chunks) => {
      const { sql: text, params } = stock.sqlToQuery(sql.join(chunks))
      expect(ours.sqlToQuery(sql.join(chunks))).toEqual({ sql: text, params })
    }),
    { numRuns: 1_000 },
  )
})
