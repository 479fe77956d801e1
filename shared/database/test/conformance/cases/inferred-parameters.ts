import { sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { sequence } from './sequence.ts'

export const inferredParameterCases: ConformanceCase[] = [
  {
    name: 'one parameter used in two places of different types fails or works alike',
    run: (db) =>
      sequence(db, [(v) => sql`select ${v}::int as a, ${v}::text as b, ${v}::numeric as c`], [1, '2', 'x']),
  },
  {
    name: 'parameters of functions are inferred alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select upper(${v}) as value`,
          (v) => sql`select length(${v}) as value`,
          (v) => sql`select coalesce(${v}, 'none') as value`,
          (v) => sql`select abs(${v}) as value`,
          (v) => sql`select to_jsonb(${v}) as value`,
          (v) => sql`select concat(${v}, 1) as value`,
        ],
        ['x', 5, null],
      ),
  },
  {
    name: 'a parameter in a case, a union and values is inferred alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select case when true then ${v} else 'z' end as value`,
          (v) => sql`select 1 as value union select ${v}`,
          (v) => sql`select * from (values (${v}), ('q')) as t (value)`,
          (v) => sql`select null as value union all select ${v}`,
        ],
        ['x', 5],
      ),
  },
  {
    name: 'a parameter in limit, interval arithmetic and extract is inferred alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select id from people order by id limit ${v}`,
          (v) => sql`select date '2024-01-31' + ${v} as value`,
          (v) => sql`select timestamp '2024-01-31' + ${v}::interval as value`,
          (v) => sql`select make_interval(days => ${v}) as value`,
        ],
        [1, '2', '1 day', 'x'],
      ),
  },
  {
    name: 'quotes, dollars and comment marks in values are only data',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v}::text as value`],
        ["'", '$1', '--', '/*', '\\', "'; select 1; --", '{{}}', '%'],
      ),
  },
  {
    name: 'a hundred parameters keep their positions',
    run: (db) =>
      db.execute(
        sql`select ${sql.join(
          Array.from({ length: 100 }, (_, i) => sql`${i}::int as ${sql.identifier(`c${i}`)}`),
          sql`, `,
        )}`,
      ),
  },
]
