import { asc, eq, sql } from 'drizzle-orm'
import { integer, json, jsonb } from 'drizzle-orm/pg-core'
import { type ConformanceCase, outcome } from '../case.ts'
import { people, scratch } from '../schema.ts'
import { columnCase } from './column-case.ts'

const documents = [
  {},
  [],
  { a: 1, b: [true, false, null], c: { d: 'e' } },
  { z: 1, a: 2, 10: 'ten', 9: 'nine' },
  [1, 'two', { three: 3 }, [4]],
  'a string',
  '',
  '"quoted"',
  '{"looks": "like json"}',
  '123',
  'true',
  'null',
  0,
  -0,
  1.5,
  1e300,
  true,
  false,
  null,
  { text: 'it\'s "quoted" \\ and 漢字 🎉 \n\u0001' },
  { escaped: '\\u0000' },
  { nul: '\0' },
  { missing: undefined, present: 1 },
  { when: new Date(0), bytes: Buffer.from('ab'), notANumber: Number.NaN },
  { toJSON: () => ({ replaced: true }) },
  { big: 1n },
  { deep: { deeper: { deepest: [[[[{}]]]] } } },
]

const kinds = scratch.table('kinds', {
  id: integer('id').primaryKey(),
  binary: jsonb('binary'),
  plain: json('plain'),
})

export const documentCases: ConformanceCase[] = [
  columnCase('json keeps every kind of document', () => json('value'), documents),
  columnCase('jsonb keeps every kind of document', () => jsonb('value'), documents),
  {
    name: 'documents are stored as what they are, not as strings of JSON',
    run: async (db, { ddl, observe }) => {
      await ddl('create table scratch.kinds (id integer primary key, "binary" jsonb, plain json)')
      for (const [id, document] of documents.entries()) {
        await outcome(db.insert(kinds).values({ id, binary: document, plain: document }))
      }
      await db
        .insert(kinds)
        .values(documents.slice(0, 5).map((document, id) => ({ id: 100 + id, binary: document })))
      return observe(
        `select id, jsonb_typeof("binary") as "binary", json_typeof(plain) as plain, plain::text as text from scratch.kinds order by id`,
      )
    },
  },
  {
    name: 'documents updated with null, sql null and a document keep the three apart',
    run: async (db, { ddl }) => {
      await ddl(`create table scratch.kinds (id integer primary key, "binary" jsonb, plain json);
        insert into scratch.kinds values (1, '1', '1'), (2, '2', '2'), (3, '3', '3')`)
      return [
        await db.update(kinds).set({ binary: null, plain: null }).where(eq(kinds.id, 1)).returning(),
        await db.update(kinds).set({ binary: sql`'null'::jsonb` }).where(eq(kinds.id, 2)).returning(),
        await db
          .update(kinds)
          .set({ binary: { set: [1] } })
          .where(eq(kinds.id, 3))
          .returning(),
        await db
          .select({ id: kinds.id, isNull: sql<boolean>`${kinds.binary} is null` })
          .from(kinds)
          .orderBy(asc(kinds.id)),
      ]
    },
  },
  {
    name: 'paths into documents give text, documents and numbers',
    run: (db) =>
      db
        .select({
          city: sql<string>`${people.profile} #>> '{address,city}'`,
          address: sql`${people.profile} -> 'address'`,
          first: sql<string>`${people.profile} -> 'languages' ->> 0`,
          number: sql`(${people.profile} ->> 'n')::numeric`,
          kind: sql<string>`jsonb_typeof(${people.profile})`,
        })
        .from(people)
        .orderBy(asc(people.id)),
  },
  {
    name: 'documents in raw results are parsed',
    run: (db) =>
      db.execute(sql`select '{"b": 1, "a": [null]}'::json as plain, '{"b": 1, "a": [null]}'::jsonb as "binary",
        '"text"'::jsonb as text, 'null'::jsonb as nothing, null::jsonb as missing, '1e400'::jsonb as huge,
        json_build_object('n', 9007199254740993) as imprecise, to_jsonb(array[1,2]) as list`),
  },
  {
    name: 'objects and arrays as bare parameters are serialised alike',
    run: async (db) => [
      await outcome(db.execute(sql`select ${{ a: 1 }}::jsonb as value`)),
      await outcome(db.execute(sql`select ${JSON.stringify({ a: 1 })}::jsonb as value`)),
      await outcome(db.execute(sql`select jsonb_typeof(${JSON.stringify({ a: 1 })}::jsonb) as kind`)),
      await outcome(db.execute(sql`select jsonb_typeof(${JSON.stringify({ a: 1 })}::text::jsonb) as kind`)),
      await outcome(db.execute(sql`select ${'"text"'}::json as value`)),
      await outcome(db.execute(sql`select ${5}::jsonb as value`)),
      await outcome(db.execute(sql`select ${true}::jsonb as value`)),
      await outcome(
        db
          .select()
          .from(people)
          .where(sql`${people.profile} @> ${{ languages: ['fr'] }}`),
      ),
      await outcome(db.select().from(people).where(sql`${people.profile} @> ${'{"languages": ["fr"]}'}`)),
    ],
  },
  {
    name: 'an array of documents, of which one is a list, is written alike as a bare parameter',
    run: async (db) => [
      await outcome(db.execute(sql`select ${sql.param([{ a: 1 }, [1, 'b'], null])}::jsonb[] as value`)),
      await outcome(db.execute(sql`select ${sql.param([[1], [2]])}::jsonb[] as value`)),
    ],
  },
  {
    name: 'a document is found by containment and by equality',
    run: async (db) => [
      await db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.profile, { n: 1000 })),
      await db
        .select({ id: people.id })
        .from(people)
        .where(sql`${people.profile} @> ${sql.param({ n: 1000 }, people.profile)}`),
      await db.select({ id: people.id }).from(people).where(sql`${people.profile} ? ${'languages'}`),
    ],
  },
]
