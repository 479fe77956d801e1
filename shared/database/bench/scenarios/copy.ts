import { createDatabase, encodeCopyRows } from '@shared/database'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { compareTo } from '../kit/index.ts'
import type { Scenario, Size } from './scenario.ts'

const copied = pgTable('bench_copied', { n: integer().notNull(), name: text().notNull() })
const batch = 1_000
const rowsOf: Readonly<Record<Size['name'], number>> = { quick: 50_000, normal: 200_000, full: 1_000_000 }

function* rows(count: number): Generator<[number, string]> {
  for (let n = 1; n <= count; n++) yield [n, `the name of row ${n}`]
}

/** Many rows in and out by COPY, against inserts of 1 000 and a stream, over the same connection. */
export const copy: Scenario = {
  title: 'many rows',
  metrics: [
    { id: 'rowsPerSecond', title: 'rows/s', better: 'higher' },
    { id: 'timesInsert', title: 'times insert', better: 'higher' },
  ],
  async run({ world, size, collector, step }) {
    const { url } = await world()
    const database = createDatabase({ name: 'bench', url, pool: { poolSize: 1, maxOverflow: 0 } })
    const count = rowsOf[size.name]
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      'insert of 1000': async () => {
        for (let at = 0; at < count; at += batch) {
          const values = Array.from({ length: batch }, (_, n) => ({
            n: at + n,
            name: `the name of row ${at + n}`,
          }))
          await database.db.insert(copied).values(values)
        }
      },
      'copy in': () => database.copyIn(copied, encodeCopyRows(rows(count))),
      stream: async () => {
        for await (const _ of database.stream(database.db.select().from(copied)));
      },
      'copy out': async () => {
        for await (const _ of database.copyOut(copied));
      },
    }
    for (let round = 0; round < size.rounds; round++) {
      const perSecond: Record<string, number> = {}
      for (const [way, run] of Object.entries(ways)) {
        step(`${way}, round ${round + 1}`)
        if (way.includes('in')) await database.db.delete(copied)
        const startedAt = performance.now()
        await run()
        perSecond[way] = (count / (performance.now() - startedAt)) * 1000
      }
      for (const [way, rowsPerSecond] of Object.entries(perSecond)) {
        const timesInsert = rowsPerSecond / (perSecond['insert of 1000'] ?? 1)
        collector.add('copy', `${count} rows`, way, { rowsPerSecond, timesInsert })
      }
    }
    await database.close()
  },
  bars: (results) => {
    const [result] = results.filter(({ scenario }) => scenario === 'copy')
    return [
      compareTo(results, 'insert of 1000', {
        scenario: 'copy',
        variant: result?.variant ?? '',
        us: 'copy in',
        metric: 'rowsPerSecond',
        text: 'copyIn() stores rows at least 5 times as fast as inserts of 1 000',
        atLeast: 5,
      }),
    ]
  },
}
