import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { ConfigurationError, sqlState } from '../../src/index.ts'
import { createFixture, type Fixture, firstRow } from '../support.ts'

let fixture: Fixture

beforeAll(async () => {
  fixture = await createFixture()
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`create table client_rows (n int not null unique)`)
})
afterAll(() => fixture[Symbol.asyncDispose]())

const numbers = async () =>
  (await fixture.database.db.execute(sql`select n from client_rows order by n`)).map(({ n }) => n)

function errorOf(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return null
}

describe('$client', () => {
  test('runs a template with its values as parameters', async () => {
    const { $client } = fixture.database.db
    const rows = await $client`select ${`it's`}::text as text, ${7}::int as n, ${null}::text as nothing`
    expect([...rows]).toEqual([{ text: `it's`, n: 7, nothing: null }])
    expect([...(await $client`select ${1}::int, 2`.values())]).toEqual([[1, 2]])
    expect([...(await $client.unsafe('select 1 as one').simple())]).toEqual([{ one: 1 }])
  })

  test('begin() runs the queries that its callback returns, in one transaction and in order, as postgres.js does', async () => {
    const stock = postgres(fixture.test.appUrl, { max: 1, onnotice: () => {} })
    const ask = async (begin: (fn: (t: typeof stock) => unknown[]) => Promise<unknown>) => {
      await fixture.database.db.execute(sql`delete from client_rows`)
      const done = (await begin((t) => [
        t`insert into client_rows values (${1})`,
        t.unsafe('insert into client_rows values ($1)', [2]),
        t`select count(*)::int as n from client_rows`,
      ])) as unknown[][]
      const failed = await begin((t) => [
        t`insert into client_rows values (3)`,
        t`insert into client_rows values (1)`,
      ]).catch(sqlState)
      return { counts: [...(done[2] ?? [])], failed, numbers: await numbers() }
    }
    const { $client } = fixture.database.db
    const ours = await ask((fn) => $client.begin(fn as never))
    expect(ours).toEqual({ counts: [{ n: 2 }], failed: '23505', numbers: [1, 2] })
    expect(await ask((fn) => stock.begin(fn as never))).toEqual(ours)
    await stock.end()
  })

  test('begin() takes modes, and savepoint() a name', async () => {
    const { $client } = fixture.database.db
    const seen = await $client.begin('isolation level serializable read only', async (t) => {
      const [row] = await t.savepoint('named', async (s) => [
        await s`select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as read_only`,
      ])
      return row?.[0]
    })
    expect(seen).toEqual({ level: 'serializable', read_only: 'on' })
    const lists = await $client.begin((t) => [t.savepoint((s) => [s`select 1 as n`])])
    expect(lists.map((list) => list.map((rows) => [...rows]))).toEqual([[[{ n: 1 }]]])
  })

  test('notify() is heard', async () => {
    const { database } = fixture
    const { promise, resolve } = Promise.withResolvers<string>()
    await using _ = await database.listen('by client', resolve)
    await database.db.$client.notify('by client', 'payload')
    expect(await promise).toBe('payload')
  })

  test('says of everything else that postgres.js has how it is done here', async () => {
    const stock = postgres(fixture.test.appUrl, { max: 1 })
    const { $client } = fixture.database.db
    const here = ['options', 'unsafe', 'begin', 'notify', 'length', 'name', 'prototype', 'debug']
    // Constants of the driver, which nobody calls.
    const constants = ['CLOSE', 'END', 'PostgresError']
    const messages: Record<string, string> = {}
    for (const name of Object.keys(stock)) {
      if (here.includes(name) || constants.includes(name)) continue
      const error = errorOf(() => ($client as never as Record<string, () => unknown>)[name]?.())
      expect({ name, isNamed: error instanceof ConfigurationError }).toEqual({ name, isNamed: true })
      messages[name] = (error as Error).message
    }
    expect(messages.listen).toBe(
      'listen() of postgres.js is not here. Use database.listen(channel, handler).',
    )
    const statement = $client`select 1` as never as Record<string, () => unknown>
    for (const name of ['cursor', 'forEach', 'readable', 'writable', 'cancel', 'describe', 'raw'])
      expect(errorOf(() => statement[name]?.())).toBeInstanceOf(ConfigurationError)
    const call = $client as never as (...given: unknown[]) => unknown
    expect(errorOf(() => call('name'))).toBeInstanceOf(ConfigurationError)
    expect(errorOf(() => $client`select ${$client`select 1`}`)).toBeInstanceOf(ConfigurationError)
    expect(errorOf(() => $client`select ${undefined}`)).toBeInstanceOf(ConfigurationError)
    await stock.end()
    expect(await firstRow(fixture.database.db.execute(sql`select 1 as one`))).toEqual({ one: 1 })
  })
})
