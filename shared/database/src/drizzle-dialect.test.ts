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
  PgDialect,
  pgEnum,
  pgSchema,
  pgTable,
  pgView,
  QueryBuilder,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { DrizzleDialect } from './drizzle-dialect.ts'

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
})
const inSchema = shop.table('items', { id: integer().primaryKey(), plainId: integer('plain_id') })
const view = pgView('some_view').as((query) => query.select().from(plain))
const other = alias(plain, 'other')

const stock = new PgDialect()
const ours = new DrizzleDialect()

/** The same query by both dialects, with what they keep of the tables used in it. */
function both(make: (query: QueryBuilder) => { getSQL(): SQL }): [unknown, unknown] {
  const [theirs, own] = [stock, ours].map((dialect) => {
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

describe('the dialect says what Drizzle says of', () => {
  test.each(Object.entries(queries))('%s', (_name, make) => {
    const [own, theirs] = both(make)
    expect(own).toEqual(theirs)
  })

  test('a column of another table, which it refuses', () => {
    const make = (dialect: PgDialect) => () =>
      new QueryBuilder(dialect).select({ id: inSchema.id }).from(plain).getSQL()
    expect(make(ours)).toThrow('is not part of the query')
    expect(make(stock)).toThrow('is not part of the query')
  })

  test('writes of every kind', () => {
    const says = (dialect: PgDialect) => {
      const returning = [{ path: ['id'], field: plain.id }]
      const values = [
        { name: sql.param('a', plain.name), code: sql.param('B', plain.code) },
        { id: sql.param(2, plain.id) },
      ]
      const queries = [
        dialect.buildInsertQuery({ table: plain, values, returning, withList: [] } as never),
        dialect.buildUpdateQuery({
          table: plain,
          set: { name: sql`${plain.name} || ${'x'}`, data: sql.param(null, plain.data) },
          where: eq(plain.id, 1),
          returning,
        } as never),
        dialect.buildDeleteQuery({ table: inSchema, where: eq(inSchema.id, 1) } as never),
      ]
      return queries.map((query) => dialect.sqlToQuery(query)).map(({ sql, params }) => ({ sql, params }))
    }
    expect(says(ours)).toEqual(says(stock))
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
