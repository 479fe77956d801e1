import { eq, relations } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import { createDrizzleClient } from '../../src/drizzle/client.ts'
import { createHandles, type DrizzleDatabase } from '../../src/drizzle/handle.ts'
import type { Rows } from '../../src/pipeline.ts'
import { compareTo, rotate } from '../kit/index.ts'
import { peers } from '../peers.ts'
import { orders, productOf, products } from '../product.ts'
import type { Context, Scenario } from './scenario.ts'

const schema = {
  products,
  orders,
  productRelations: relations(products, ({ many }) => ({ orders: many(orders) })),
  orderRelations: relations(orders, ({ one }) => ({
    product: one(products, { fields: [orders.productId], references: [products.id] }),
  })),
}
type Db = DrizzleDatabase<typeof schema>

const at = '2026-01-01 00:00:00+00'
const product = [1, 'SKU-1', 'Product number 1', 450, at]

/** What is asked, and the rows that answer it. */
const queries: Readonly<Record<string, { rows: unknown[][]; ask(db: Db, n: number): PromiseLike<unknown> }>> =
  {
    select: {
      rows: [product],
      ask: (db, n) =>
        db
          .select()
          .from(products)
          .where(eq(products.id, productOf(n))),
    },
    'insert … returning': {
      rows: [[1, 1, 1, at]],
      ask: (db, n) =>
        db
          .insert(orders)
          .values({ productId: productOf(n), quantity: 1 })
          .returning(),
    },
    'relational, two tables': {
      rows: [[...product, [[1, 1, 1, at]]]],
      ask: (db, n) =>
        db.query.products.findFirst({ where: eq(products.id, productOf(n)), with: { orders: true } }),
    },
  }

const builders = ['ours', 'drizzle-postgres-js'] as const

/** Writing a query's text and making objects of its rows, beside stock Drizzle, over a client that answers at once. */
export const build: Scenario = {
  title: "Drizzle's work",
  metrics: [
    { id: 'us', title: 'µs', better: 'lower' },
    { id: 'cpuUs', title: 'cpu µs', better: 'lower' },
  ],
  async run(context) {
    for (const variant of Object.keys(queries)) await compareBuilders(context, variant)
  },
  bars: (results) =>
    Object.keys(queries).map((variant) =>
      compareTo(results, 'drizzle-postgres-js', {
        scenario: 'build',
        variant,
        metric: 'us',
        text: `Drizzle's work, ${variant}: no more than stock Drizzle's`,
        atMost: 1,
      }),
    ),
}

async function compareBuilders({ size, collector, step }: Context, variant: string): Promise<void> {
  const { rows, ask } = queries[variant] as (typeof queries)[string]
  const handles: Record<(typeof builders)[number], Db> = {
    ours: createHandles({ schema })(answering(rows)),
    'drizzle-postgres-js': drizzle({
      client: answering(rows) as unknown as Sql,
      schema,
    }) as unknown as Db,
  }
  const count = size.roundMs * 10
  for (let round = -1; round < size.rounds; round++) {
    for (const id of rotate(builders, round + 1)) {
      step(`build, ${variant}: round ${round + 1} of ${size.rounds}, ${peers[id].title}`)
      Bun.gc(true)
      const cpu = process.cpuUsage()
      const startedAt = performance.now()
      for (let n = 0; n < count; n++) await ask(handles[id], n)
      const us = ((performance.now() - startedAt) * 1_000) / count
      const { user, system } = process.cpuUsage(cpu)
      // Round -1 warms the code.
      if (round >= 0) collector.add('build', variant, id, { us, cpuUs: (user + system) / count })
    }
  }
}

/** A client that has the same answer to everything, at once. */
function answering(rows: unknown[][]) {
  const refuse = (): never => {
    throw new Error('This client has no transactions.')
  }
  return createDrizzleClient({
    options: { parsers: {}, serializers: {} },
    run: async () => rows as Rows,
    begin: refuse,
    savepoint: refuse,
  })
}
