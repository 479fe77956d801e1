import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'
import type { Rows } from '../../src/connection/statement.ts'
import { createDrizzleClient } from '../../src/drizzle/client.ts'
import { fitsInstalledDrizzle } from '../../src/drizzle/faster-0.45/parts.ts'
import { createHandles, type DrizzleDatabase, type DrizzleModel } from '../../src/drizzle/handle.ts'
import { compareTo, rotate } from '../kit/index.ts'
import { peers } from '../peers.ts'
import { orders, productOf, products } from '../product.ts'
import { at, type BuildQuery, product } from './build-query.ts'
import type { Context, Scenario } from './scenario.ts'

const queries: Readonly<Record<string, BuildQuery>> = {
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
}

const relational = 'relational, two tables'
// drizzle-orm 1.0 declares relations in another way.
const hasRelational = npmVersion.startsWith('0.')
const variants = [...Object.keys(queries), ...(hasRelational ? [relational] : [])]

async function queryOf(variant: string): Promise<BuildQuery> {
  return queries[variant] ?? (await import('./build-relational.ts')).relationalQuery
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
    for (const variant of variants) await compareBuilders(context, variant)
  },
  // Where the faster dialect is not in use both are the same code.
  bars: (results) =>
    (fitsInstalledDrizzle() ? variants : []).map((variant) =>
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
  const { rows, model = {}, ask } = await queryOf(variant)
  const handles = {
    ours: createHandles(model)(answering(rows)),
    'drizzle-postgres-js': drizzle({
      client: answering(rows),
      ...model,
    } as never) as unknown as DrizzleDatabase<DrizzleModel>,
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
