import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { trace } from '@opentelemetry/api'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { channels, createDatabase, type Database, type DrizzleModel } from '@shared/database'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { instrumentDatabases, traceTags } from '../src/index.ts'
import type { ReceivedSpan } from '../src/testing/index.ts'
import { withSdk } from './with-sdk.ts'

let postgres: TestDatabase
beforeAll(async () => {
  postgres = await withDatabase()
}, 60_000)
afterAll(() => postgres.drop())

const opened: Pick<Database<DrizzleModel>, 'close'>[] = []
function open(pool = {}) {
  const database = createDatabase({ name: 'shop', url: postgres.appUrl, pool })
  opened.push(database)
  return database
}
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

/** Whether anybody listens to a channel of the layer, by its name. */
function heard(): Record<string, boolean> {
  const { failover, ...traced } = channels
  const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
  const listenedTo = Object.entries(traced).map(([name, channel]): [string, boolean] => [
    name,
    events.some((event) => channel[event].hasSubscribers),
  ])
  return { ...Object.fromEntries(listenedTo), failover: failover.hasSubscribers }
}
const silence = { checkout: false, connect: false, statement: false, transaction: false, failover: false }

/** Runs `fn` inside of a span of the program's own. */
function inSpan<T>(name: string, fn: () => Promise<T>): Promise<T> {
  return trace.getTracer('program').startActiveSpan(name, async (span) => {
    try {
      return await fn()
    } finally {
      span.end()
    }
  })
}

/** What is below a span, by its name. */
function below(spans: readonly ReceivedSpan[], parent: string): unknown[] {
  const id = spans.find(({ name }) => name === parent)?.spanId
  return spans
    .filter(({ parentSpanId }) => parentSpanId === id)
    .map(({ name }): [string, ...unknown[]] => [name, ...below(spans, name)])
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
}

describe('spans', () => {
  test('a statement that fails has its SQLSTATE, and neither the message nor a value', async () => {
    const { spans, text } = await withSdk(async (instrument) => {
      instrument()
      const { db } = open()
      await db.execute(sql`select ${'canary-one'}::int, 'canary-two'`).catch(() => undefined)
    })
    // A checkout's span and a connect's are made when they are over, and the clock that they are dated back on has whole ms.
    expect(
      spans()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['SELECT', 'checkout', 'connect'])
    expect(spans().find(({ name }) => name === 'SELECT')).toEqual(
      expect.objectContaining({
        name: 'SELECT',
        kind: 'CLIENT',
        isError: true,
        events: [],
        attributes: {
          'db.system.name': 'postgresql',
          'db.namespace': new URL(postgres.appUrl).pathname.slice(1),
          'db.query.summary': 'SELECT',
          'db.operation.name': 'SELECT',
          'db.query.text': 'select $1::int, ?',
          'db.response.status_code': '22P02',
          'error.type': '22P02',
          'server.address': '127.0.0.1',
          'server.port': Number(new URL(postgres.appUrl).port),
        },
      }),
    )
    expect(text()).not.toContain('canary')
  })

  test('a statement has its text up to 10 000 characters, and says how much is missing', async () => {
    const names = Array.from({ length: 900 }, (_, index) => `a as column${index}`)
    const long = `select ${names.join(',')} from (select current_date as a) t`
    const { spans } = await withSdk(async (instrument) => {
      instrument()
      await open().db.execute(sql.raw(long))
    })
    const texts = spans().map(({ attributes }) => attributes['db.query.text'])
    expect(texts.filter(Boolean)).toEqual([
      `${long.slice(0, 10_000)}… (${long.length - 10_000} more characters)`,
    ])
  })

  test('statements are below their transaction, and below a span that the program began in it', async () => {
    const { spans } = await withSdk(async (instrument) => {
      instrument()
      const { db } = open()
      await db.execute(sql`select 1`)
      await inSpan('request', async () => {
        await db.transaction(async (tx) => {
          await tx.execute(sql`select 1 as a from generate_series(1, 2) first`)
          await inSpan('step', () => tx.execute(sql`values (1)`))
          await tx.transaction((inner) => inner.execute(sql`table pg_database`))
        })
        await db.execute(sql`show work_mem`)
      })
    })
    // A checkout has a span from 1 ms on, which on a busy machine also an idle connection may take.
    const apart = spans().filter(({ name }) => name !== 'checkout')
    expect(below(apart, 'request')).toEqual([
      ['SHOW'],
      ['step', ['VALUES']],
      ['transaction', ['SELECT generate_series'], ['TABLE pg_database']],
    ])
    expect(spans().find(({ name }) => name === 'transaction')?.attributes).toMatchObject({
      'database_connections.transaction.attempts': 1,
      'database_connections.transaction.outcome': 'committed',
    })
    const rows = (summary: string) => spans().find(({ name }) => name === summary)?.attributes
    expect(rows('SELECT generate_series')).toMatchObject({ 'db.response.returned_rows': 2 })
  })

  test('a transaction that is run again is one span, with its attempts and how it ended', async () => {
    const { spans } = await withSdk(async (instrument) => {
      instrument()
      const database = open()
      let attempts = 0
      await database.transaction(async (tx) => {
        attempts += 1
        const state = attempts === 1 ? '40001' : 'done'
        await tx.execute(
          sql.raw(`do $$ begin if '${state}' = '40001' then raise sqlstate '40001'; end if; end $$`),
        )
      })
      await database.db
        .transaction(async () => {
          throw new RangeError('canary')
        })
        .catch(() => undefined)
    })
    const transactions = spans().filter(({ name }) => name === 'transaction')
    const shown = transactions.map(({ isError, attributes }) => [
      isError,
      attributes['database_connections.transaction.attempts'],
      attributes['database_connections.transaction.outcome'],
      attributes['error.type'],
    ])
    expect(shown).toEqual([
      [false, 2, 'committed', undefined],
      [true, 1, 'rolled-back', 'RangeError'],
    ])
  })

  test('a checkout that waits, and the connect it waits for, are below what needs the connection', async () => {
    const { spans } = await withSdk(async (instrument) => {
      instrument()
      const { db } = open()
      await inSpan('request', () => db.execute(sql`select 1`))
    })
    expect(below(spans(), 'request')).toEqual([['SELECT', ['checkout'], ['connect']]])
    expect(spans().find(({ name }) => name === 'connect')).toMatchObject({
      kind: 'CLIENT',
      attributes: { 'db.system.name': 'postgresql', 'server.address': '127.0.0.1' },
    })
  })

  test('a checkout that times out is an error of its own, and is counted', async () => {
    const { spans, metrics } = await withSdk(async (instrument) => {
      // The one that holds the connection has it without a question to it, which might take longer than that.
      const database = open({ poolSize: 1, maxOverflow: 0, checkoutTimeoutMs: 50, prePing: false })
      instrument({ databases: [database] })
      await database.connect()
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      const holder = database.use(() => held)
      await inSpan('request', () => database.db.execute(sql`select 1`)).catch(() => undefined)
      release()
      await holder
    })
    expect(below(spans(), 'request')).toEqual([['SELECT', ['checkout']]])
    expect(spans().find(({ name, isError }) => name === 'checkout' && isError)?.attributes).toMatchObject({
      'error.type': 'CHECKOUT_TIMEOUT',
      'db.client.connection.pool.name': 'shop',
    })
    expect(metrics().find(({ name }) => name === 'db.client.connection.timeouts')?.value).toBe(1)
  })
})

test('pools are measured when their numbers are collected, operations by what they do when they end', async () => {
  const { metrics } = await withSdk(async (instrument) => {
    const database = open({ poolSize: 3, maxOverflow: 2 })
    instrument({ databases: [database] })
    await database.db.execute(sql`select 1 from generate_series(1, 7)`)
  })
  const pool = { 'db.client.connection.pool.name': 'shop' }
  const statement = {
    'db.system.name': 'postgresql',
    'db.namespace': new URL(postgres.appUrl).pathname.slice(1),
    'db.query.summary': 'SELECT generate_series',
    'db.operation.name': 'SELECT',
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(postgres.appUrl).port),
  }
  const seconds = {
    count: 1,
    sum: expect.any(Number),
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
  }
  const rows = { count: 1, sum: 7, bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] }
  const state = 'db.client.connection.state'
  expect(metrics().map(({ name, unit, attributes, value }) => [name, unit, attributes, value])).toEqual([
    ['db.client.operation.duration', 's', statement, seconds],
    ['db.client.connection.wait_time', 's', pool, seconds],
    ['db.client.connection.create_time', 's', pool, seconds],
    ['db.client.response.returned_rows', '{row}', statement, rows],
    ['db.client.connection.count', '{connection}', { ...pool, [state]: 'idle' }, 1],
    ['db.client.connection.count', '{connection}', { ...pool, [state]: 'used' }, 0],
    ['db.client.connection.timeouts', '{timeout}', pool, 0],
    ['db.client.connection.idle.max', '{connection}', pool, 3],
    ['db.client.connection.limit', '{connection}', pool, 5],
    ['db.client.connection.pending_requests', '{request}', pool, 0],
  ])
})

test('the server sees the trace of a statement that is recorded, where its comments are asked for', async () => {
  const seen: string[] = []
  const { spans } = await withSdk(async () => {
    const database = createDatabase({
      name: 'shop',
      url: postgres.appUrl,
      comments: { perStatement: traceTags },
    })
    opened.push(database)
    const ask = sql`select query from pg_stat_activity where pid = pg_backend_pid()`
    const look = async () => seen.push(String((await database.db.execute(ask))[0]?.query))
    await inSpan('request', look)
    await look()
  })
  const [request] = spans()
  expect(seen).toEqual([
    expect.stringContaining(`/*traceparent='00-${request?.traceId}-${request?.spanId}-01'*/`),
    expect.not.stringContaining('traceparent'),
  ])
})

test('without an SDK nothing is subscribed to', async () => {
  const database = open()
  const stop = instrumentDatabases({ databases: [database] })
  expect(heard()).toEqual(silence)
  stop()
})

test('what is stopped is subscribed to no more', async () => {
  await withSdk(async (instrument) => {
    const stop = instrument()
    expect(heard()).toEqual({
      ...silence,
      checkout: true,
      connect: true,
      statement: true,
      transaction: true,
    })
    stop()
    expect(heard()).toEqual(silence)
  })
})

test('every name is one of the conventions, but for those of a prefix of our own', async () => {
  const { spans, metrics } = await withSdk(async (instrument) => {
    const database = open()
    instrument({ databases: [database] })
    await inSpan('request', async () => {
      await database.db.transaction((tx) => tx.execute(sql`select 1`))
      await database.db.execute(sql`select 1/0`).catch(() => undefined)
    })
  })
  const known: ReadonlySet<unknown> = new Set(Object.values(conventions))
  const used = [
    ...metrics().map(({ name }) => name),
    ...[...spans(), ...metrics()].flatMap(({ attributes }) => Object.keys(attributes)),
  ]
  expect([...new Set(used)].filter((name) => !known.has(name))).toEqual([
    'database_connections.transaction.attempts',
    'database_connections.transaction.outcome',
  ])
})
