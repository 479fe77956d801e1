import { describe, expect, test } from 'bun:test'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { channels } from '../../src/index.ts'
import { createFixture } from '../support.ts'
import { caller, listen } from './listener.ts'

const number = expect.any(Number)

describe('channels', () => {
  test('a statement is one message, told at its start and its end in the context of its caller', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    using listener = listen(database.name, ['statement'])
    await caller.run('caller', async () => {
      await database.db.execute(sql`select ${'canary'}::text as a, 'canary' as b from generate_series(1, 3)`)
    })
    const { heard } = listener
    expect(heard.map(({ event, context }) => `${event} ${context}`)).toEqual([
      'start caller',
      'end caller',
      'asyncStart caller',
      'asyncEnd caller',
    ])
    expect(new Set(heard.map(({ message }) => message)).size).toBe(1)
    const last = heard.at(-1)?.fields
    expect(last).toEqual({
      pool: database.name,
      database: expect.any(String),
      host: '127.0.0.1',
      port: number,
      startedAt: number,
      waitMs: number,
      durationMs: number,
      text: 'select $1::text as a, ? as b from generate_series(?, ?)',
      summary: 'SELECT generate_series',
      operation: 'SELECT',
      rows: 3,
      pid: number,
      prepared: true,
      inTransaction: false,
      attempts: 1,
      errorCode: null,
    })
    expect(Bun.inspect(heard)).not.toContain('canary')
  })

  test('a statement that fails has its error and its code, and changed rows are counted', async () => {
    await using fixture = await createFixture()
    const database = fixture.open({ url: fixture.test.adminUrl })
    using listener = listen(database.name, ['statement'])
    await database.use(async ({ db }) => {
      await db.execute(sql`create temporary table t (i int primary key)`)
      await db.execute(sql`insert into t values (1), (2)`)
      await db.execute(sql`insert into t values (1)`).catch(() => {})
    })
    const { heard } = listener
    expect(
      heard
        .filter(({ event }) => event === 'error' || event === 'asyncEnd')
        .map(({ event, fields }) => [event, fields.summary, fields.rows, fields.errorCode]),
    ).toEqual([
      ['asyncEnd', 'CREATE TABLE', null, null],
      ['asyncEnd', 'INSERT t', 2, null],
      ['error', 'INSERT t', null, '23505'],
      ['asyncEnd', 'INSERT t', null, '23505'],
    ])
  })

  test('a transaction is one message, with all its attempts and how it ended', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    using listener = listen(database.name, ['transaction', 'statement'])
    let tries = 0
    await caller.run('caller', async () => {
      await database.transaction(
        async (tx) => {
          await tx.execute(sql`select 1`)
          await tx.transaction((inner) => inner.execute(sql`select 2`))
          if (++tries < 3)
            await tx.execute(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`)
        },
        { isolationLevel: 'serializable', accessMode: 'read only' },
      )
      await database.db.transaction((tx) => tx.execute(sql`select 1 / 0`)).catch(() => {})
      await database.use(({ db }) => db.transaction(async () => {}))
    })
    const ended = listener.heard.filter(
      ({ channel, event }) => channel === 'transaction' && event === 'asyncEnd',
    )
    expect(ended.map(({ context, fields }) => ({ context, ...fields }))).toMatchObject([
      {
        context: 'caller',
        isolationLevel: 'serializable',
        accessMode: 'read only',
        attempts: 3,
        outcome: 'committed',
        host: '127.0.0.1',
        pid: number,
        durationMs: number,
        errorCode: null,
      },
      { isolationLevel: null, accessMode: null, attempts: 1, outcome: 'rolled-back', errorCode: '22012' },
      { attempts: 1, outcome: 'committed' },
    ])
    const statements = listener.heard.filter(
      ({ channel, event }) => channel === 'statement' && event === 'end',
    )
    expect(statements.map(({ fields }) => [fields.text, fields.inTransaction])).toEqual([
      ...Array(3)
        .fill([
          ['select ?', true],
          ['select ?', true],
          ['do ?', true],
        ])
        .flat()
        .slice(0, 8),
      ['select ? / ?', true],
    ])
  })

  test('a checkout says what it was for, how long it waited and behind how many; a connect which attempt it was', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database } = fixture
    using listener = listen(database.name, ['checkout', 'connect'])
    const release = Promise.withResolvers<void>()
    const held = caller.run('first', () => database.use(() => release.promise))
    const alone = caller.run('second', () => database.db.execute(sql`select pg_sleep(0)`).execute())
    const shared = caller.run('third', () => database.db.execute(sql`select 1`).execute())
    await eventually(() => database.status().waiting === 2)
    release.resolve()
    await Promise.all([held, alone, shared])
    const ended = listener.heard.filter(({ event }) => event === 'asyncEnd')
    expect(ended.map(({ channel, context, fields }) => ({ channel, context, ...fields }))).toMatchObject([
      { channel: 'connect', context: 'first', attempt: 1, internal: false, pid: number, durationMs: number },
      {
        channel: 'checkout',
        context: 'first',
        kind: 'exclusive',
        waiting: 0,
        durationMs: number,
        pid: number,
      },
      { channel: 'checkout', context: 'second', kind: 'alone', waiting: 1 },
      { channel: 'checkout', context: 'third', kind: 'shared', waiting: 2, errorCode: null },
    ])
  })

  test('a store that is bound to the start of an operation is there in those inside of it, and not behind it', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const span = new AsyncLocalStorage<string>()
    const parents: string[] = []
    const bind = (name: 'transaction' | 'statement' | 'checkout' | 'connect') =>
      channels[name].start.bindStore(span, ((message: { pool: string }) => {
        if (message.pool === database.name) parents.push(`${name} in ${span.getStore()}`)
        return name
      }) as never)
    const names = ['transaction', 'statement', 'checkout', 'connect'] as const
    for (const name of names) bind(name)
    try {
      await span.run('request', async () => {
        await database.db.execute(sql`select 1`)
        await database.db.transaction((tx) => tx.execute(sql`select 2`))
        parents.push(`program in ${span.getStore()}`)
      })
    } finally {
      for (const name of names) channels[name].start.unbindStore(span)
    }
    expect(parents).toEqual([
      'statement in request',
      'checkout in statement',
      'connect in checkout',
      'transaction in request',
      'checkout in transaction',
      'statement in transaction',
      'program in request',
    ])
  })

  test('what the layer asks by itself is no statement, and its own connection is marked', async () => {
    // A busy machine's statement is not to be looked up on the server over a connection more.
    await using fixture = await createFixture({ pool: { prePingIdleMs: 0 }, connection: { stallAfterMs: 0 } })
    const { database } = fixture
    using listener = listen(database.name, ['statement', 'connect'])
    await database.connect()
    await database.ping()
    await database.observe((connection, leftMs) => connection.ping(leftMs))
    await database.db.execute(sql`select 1`)
    const ended = listener.heard.filter(({ event }) => event === 'asyncEnd')
    expect(ended.map(({ channel, fields }) => [channel, fields.internal ?? fields.text])).toEqual([
      ['connect', false],
      ['connect', true],
      ['statement', 'select ?'],
    ])
  })

  test('an attempt to connect that fails has its code and its number', async () => {
    await using fixture = await createFixture()
    const url = fixture.test.appUrl.replace(/\/[^/]*$/, '/nowhere')
    const database = fixture.open({ name: 'nowhere', url })
    using listener = listen('nowhere', ['connect', 'checkout'])
    for (let i = 0; i < 2; i++) await database.connect().catch(() => {})
    const ended = listener.heard
      .filter(({ event }) => event === 'asyncEnd')
      .map(({ channel, fields }) => ({ channel, ...fields }))
    expect(ended).toMatchObject([
      { channel: 'connect', database: 'nowhere', attempt: 1, pid: null, errorCode: '3D000' },
      { channel: 'checkout', kind: 'exclusive', pid: null, errorCode: '3D000' },
      { channel: 'connect', attempt: 2 },
      { channel: 'checkout' },
    ])
  })

  test('a lease held for too long still has its place, however much listens', async () => {
    await using fixture = await createFixture({ pool: { leakAfterMs: 40 } })
    const { database, events } = fixture
    using _ = listen(database.name, ['statement', 'transaction', 'checkout', 'connect'])
    await database.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      await eventually(() => events.includes('lease-leaked'))
    })
    // On a busy machine the checkout may be slow, which is an event too.
    const places = database
      .events()
      .filter(({ type }) => type.startsWith('lease-'))
      .map(({ detail }) => detail)
    expect(places).toEqual(Array(2).fill(expect.stringContaining('channels.test.ts')))
  })

  test('a subscriber by the name of one channel is enough to be heard', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const names = ['start', 'end', 'asyncStart', 'asyncEnd'] as const
    const heard: string[] = []
    for (const name of names) {
      const on = (message: unknown) => {
        if ((message as { pool: string }).pool === database.name) heard.push(name)
      }
      subscribe(`tracing:database-connections:statement:${name}`, on)
      await database.db.execute(sql`select 1`)
      unsubscribe(`tracing:database-connections:statement:${name}`, on)
    }
    expect(heard).toEqual([...names])
  })

  test('where nobody listens any more nothing is published', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const listener = listen(database.name, ['statement', 'checkout', 'transaction', 'connect'])
    listener[Symbol.dispose]()
    await database.db.execute(sql`select 1`)
    expect(listener.heard).toEqual([])
  })

  test('a stream is a transaction with its statements, and has one end however it ends', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { database } = fixture
    await database.connect()
    const query = (count: number) => sql<{ n: number }>`select n from generate_series(1, ${count}::int) n`
    const rows = (count: number) => database.stream(query(count), { batchSize: 2 })
    using listener = listen(database.name, ['transaction', 'statement'])
    const all: number[] = []
    for await (const { n } of rows(3)) all.push(n)
    const { heard } = listener
    const inOrder = heard
      .filter(({ event }) => event === 'start' || event === 'asyncEnd')
      .map(({ channel, event, fields }) => [
        channel,
        event,
        fields.operation ?? fields.outcome ?? null,
        fields.rows,
      ])
    expect(
      inOrder.map((one) => one.filter((value) => value !== undefined && value !== null).join(' ')),
    ).toEqual([
      'transaction start',
      'statement start DECLARE',
      'statement asyncEnd DECLARE',
      'statement start FETCH',
      'statement asyncEnd FETCH 2',
      'statement start FETCH',
      'statement asyncEnd FETCH 1',
      'transaction asyncEnd committed',
    ])
    expect(heard.at(-1)?.fields).toMatchObject({ pid: number, attempts: 1 })

    heard.length = 0
    for await (const _ of rows(1_000)) break
    const failing = async () => {
      for await (const _ of database.stream(sql`select 1 / (n - 3) from generate_series(1, 9) n`, {
        batchSize: 2,
      }));
    }
    await failing().catch(() => {})
    await eventually(() => database.status().checkedOut === 0)
    const begun = heard.filter(({ event }) => event === 'start').map(({ message }) => message)
    const ended = heard.filter(({ event }) => event === 'asyncEnd').map(({ message }) => message)
    expect(ended.length).toBe(begun.length)
    expect(new Set(ended)).toEqual(new Set(begun))
    const outcomes = heard.filter(({ channel, event }) => channel === 'transaction' && event === 'asyncEnd')
    expect(outcomes.map(({ fields }) => [fields.outcome, fields.errorCode])).toEqual([
      ['rolled-back', 'WORK_ABORTED'],
      ['rolled-back', '22012'],
    ])
  })
})
