import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, createDatabase, type TypeCodecs } from '../src/index.ts'
import { firstRow } from './support.ts'

let place: TestDatabase
beforeAll(async () => {
  place = await withDatabase()
})
afterAll(() => place.drop())

const strange = (text: string) => ({ strange: text })
const marked = (value: unknown) => String(value)

/** Every type that the layer asks for itself, read as something that it could do nothing with. */
const everything: TypeCodecs = Object.fromEntries(
  Object.entries({
    bool: 16,
    name: 19,
    int8: 20,
    int2: 21,
    int4: 23,
    text: 25,
    oid: 26,
    float8: 701,
    lsn: 3220,
  }).map(([name, oid]) => [name, { to: oid, from: [oid], serialize: marked, parse: strange }]),
)

describe('codecs of callers', () => {
  test('reach nothing that the layer asks for itself', async () => {
    const database = createDatabase({ name: 'types', url: place.ownerUrl, types: everything })
    await database.connect()
    const rows = await Promise.all([
      firstRow(database.db.execute(sql`select 1 as int, 'a' as text, true as bool`)),
      database.within({}, () => firstRow(database.reads.execute(sql`select 2 as int`))),
      database.transaction((tx) => firstRow(tx.execute(sql`select 3::int8 as long`))),
      database.use(async ({ db, keepsSession }) => [
        await keepsSession(),
        await firstRow(db.execute(sql`select 4 as int`)),
      ]),
    ])
    expect(rows).toEqual([
      { int: strange('1'), text: strange('a'), bool: strange('t') },
      { int: strange('2') },
      { long: strange('3') },
      [true, { int: strange('4') }],
    ])
    // Taken for a session behind a pooler, it would have no process to look up.
    expect(database.pooler).toBeNull()
    expect(await database.ping()).toEqual({ latencyMs: expect.any(Number) })
    const health = await database.observe((connection) => connection.run('select 1 as n', [], false))
    expect(Array.from(health)).toEqual([{ n: 1 }])
    await database.close()
  })

  test('do not reach what it asks in the packet of a write', async () => {
    const database = createDatabase({
      name: 'types',
      url: place.ownerUrl,
      replicas: { url: place.ownerUrl },
      types: everything,
    })
    await database.db.execute(sql`create table written (n int)`)
    const mark = await database.within({}, async () => {
      await database.db.execute(sql`insert into written values (1)`)
      return database.writtenUntil()
    })
    expect(mark).toMatch(/:[0-9A-F]+\/[0-9A-F]+$/)
    await database.close()
  })

  test('that throw fail their own statement only, on a connection that others share', async () => {
    const refuse = (value: string) => {
      if (value.includes('bad')) throw new RangeError(`refused ${value}`)
      return value
    }
    const database = createDatabase({
      name: 'types',
      url: place.ownerUrl,
      pool: { poolSize: 1, maxOverflow: 0 },
      types: { text: { to: 25, from: [25], serialize: refuse, parse: refuse } },
    })
    const ask = (text: string) => firstRow(database.db.execute(sql`select ${text}::text as text`))
    const read = (text: string) => firstRow(database.db.execute(sql.raw(`select '${text}'::text as text`)))
    await Promise.all([ask('warm'), read('warm')])
    const turns = Array.from({ length: 30 }, (_, n) => (n % 3 === 1 ? 'bad' : 'good') + n)
    const outcome = (work: Promise<unknown>) =>
      work.catch((error: Error) => (error.cause as Error | undefined)?.message ?? error.message)
    const answers = await Promise.all(turns.flatMap((turn) => [outcome(ask(turn)), outcome(read(turn))]))
    expect(answers).toEqual(
      turns.flatMap((turn) => {
        const answer = turn.startsWith('bad') ? `refused ${turn}` : { text: turn }
        return [answer, answer]
      }),
    )
    expect(database.status().counters).toMatchObject({ connects: 1, defects: 0 })
    await database.close()
  })

  test.each([
    [5, 'types must be an object of codecs by name'],
    [{ point: 600 }, 'types.point must be an object'],
    [{ point: { from: [600] } }, 'types.point.to must be the oid of a type'],
    [{ point: { to: 600, from: ['point'] } }, 'types.point.from must be oids of types'],
    [{ point: { to: 600, parse: 'x' } }, 'types.point.parse must be a function'],
    [
      { point: { to: 600, from: 600, serialize: String } },
      'types.point.parse must be a function, as there is a from',
    ],
  ])('%p are refused', (types, message) => {
    const create = () => createDatabase({ name: 'types', url: place.ownerUrl, types: types as never })
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(message)
  })
})
