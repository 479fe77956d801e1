import { describe, expect, test } from 'bun:test'
import { eventually, pgBouncerPrograms, startPgBouncer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConnectError, causes, type Database, type HookConnection } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

type Connection = HookConnection<Database<Record<string, never>>['db']>

const setting = (name: string) => sql`select current_setting(${name}, true) as value`
const settingIn = async (result: PromiseLike<unknown>) =>
  (await firstRow<{ value: string | null }>(result)).value

/** What a call failed by: its own error, and the code of what caused it. */
const failure = async (work: PromiseLike<unknown>) => {
  try {
    await work
    return 'none'
  } catch (thrown) {
    const error = [...causes(thrown)].find((link) => link instanceof ConnectError)
    return error instanceof ConnectError ? [error.message, error.driverCode] : thrown
  }
}

describe('onConnect', () => {
  test('is called with each new connection before anybody has it, and again behind a reset: what it sets stays', async () => {
    const pids: number[] = []
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0 },
      onConnect: async ({ db, pid }: Connection) => {
        pids.push(pid)
        await db.execute(sql`set search_path = pg_catalog, hooked`)
        await db.execute(sql`select set_config('app.hook', 'set', false)`)
      },
    })
    const { database } = fixture
    const seen = async () => [
      await settingIn(database.db.execute(setting('app.hook'))),
      await settingIn(database.db.execute(setting('search_path'))),
    ]
    const first = await seen()
    await database.use(({ db }) => db.execute(sql`select set_config('app.hook', 'other', false)`))
    const afterUse = await seen()
    const { connects, closes } = database.status().counters
    expect({ first, afterUse, calls: pids.length, connects, replaced: closes.replaced }).toEqual({
      first: ['set', 'pg_catalog, hooked'],
      afterUse: ['set', 'pg_catalog, hooked'],
      calls: 2,
      connects: 1,
      replaced: 0,
    })
  })

  test('that throws fails the connect, by its name, and leaves no backend', async () => {
    await using fixture = await createFixture({
      connection: { connectTimeoutMs: 3_000, definitionsCheckMs: 0 },
      pool: { slowCheckoutMs: 0 },
      onConnect: async ({ db }: Connection) => void (await db.execute(sql`select 1 / 0`)),
    })
    const { database } = fixture
    expect(await failure(database.db.execute(sql`select 1`))).toEqual([
      'The hook onConnect failed, and its connection was closed. See the cause.',
      'HOOK_FAILED',
    ])
    await eventually(async () => (await fixture.backends()).length === 0)
    const { connects, connectFailures } = database.status().counters
    expect({ connects, hasFailed: connectFailures > 0, events: new Set(fixture.events) }).toEqual({
      connects: 0,
      hasFailed: true,
      events: new Set(['hook-failed', 'connect-failed']),
    })
    expect(database.eventCounts()['hook-failed']).toBe(connectFailures)
  })

  test('that takes too long fails the connect, and what it left running is cancelled', async () => {
    await using fixture = await createFixture({
      connection: { connectTimeoutMs: 3_000, hookTimeoutMs: 50 },
      onConnect: async ({ db }: Connection) => void (await db.execute(sql`select pg_sleep(60)`)),
    })
    expect(await failure(fixture.database.db.execute(sql`select 1`))).toEqual([
      'The hook onConnect had not ended after 50 ms, and its connection was closed. Let it do less, or raise hookTimeoutMs.',
      'HOOK_TIMEOUT',
    ])
    await eventually(async () => (await fixture.backends()).length === 0)
    expect(fixture.events).toContain('hook-timeout')
  })

  test('keeps no connection: its handle ends with it, and a transaction that it left open is rolled back', async () => {
    let kept: Connection | null = null
    await using fixture = await createFixture({
      onConnect: async (connection: Connection) => {
        kept = connection
        await connection.db.execute(sql`begin`)
      },
    })
    const { database } = fixture
    await database.db.execute(sql`select 1`)
    const state = await firstRow<{ open: boolean }>(
      database.db.execute(sql`select now() <> statement_timestamp() as open`),
    )
    const late = await (kept as Connection | null)?.db
      .execute(sql`select 1`)
      .catch((error) => error.cause.code)
    expect({ open: state.open, late }).toEqual({ open: false, late: 'LEASE_ENDED' })
  })
})

describe('beforeCheckout', () => {
  test('is called before each transaction, use() and single statement, and what it sets is there for that one alone', async () => {
    let tenant = 0
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0 },
      beforeCheckout: async ({ db }: Connection) => {
        tenant++
        if (tenant < 3) await db.execute(sql`select set_config('app.tenant', ${`t${tenant}`}, false)`)
      },
    })
    const { database } = fixture
    const tenants = [
      await settingIn(database.db.execute(setting('app.tenant'))),
      await database.db.transaction((tx) => settingIn(tx.execute(setting('app.tenant')))),
      (await settingIn(database.db.execute(setting('app.tenant')))) || 'none',
      (await database.use(({ db }) => settingIn(db.execute(setting('app.tenant'))))) || 'none',
    ]
    expect({ tenants, calls: tenant, connects: database.status().counters.connects }).toEqual({
      tenants: ['t1', 't2', 'none', 'none'],
      calls: 4,
      connects: 1,
    })
  })

  test('that throws or takes too long costs its connection, not the pool', async () => {
    let how = 'fails'
    await using fixture = await createFixture({
      connection: { hookTimeoutMs: 50 },
      beforeCheckout: async ({ db }: Connection) => {
        if (how === 'fails') throw new Error('of the hook')
        if (how === 'hangs') await db.execute(sql`select pg_sleep(60)`)
      },
    })
    const { database } = fixture
    const failed = await failure(database.db.execute(sql`select 1`))
    how = 'hangs'
    const hung = await failure(database.db.transaction((tx) => tx.execute(sql`select 1`)))
    how = 'works'
    const { value } = await firstRow<{ value: number }>(database.db.execute(sql`select 1 as value`))
    expect({ failed, hung, value }).toEqual({
      failed: [
        'The hook beforeCheckout failed, and its connection was closed. See the cause.',
        'HOOK_FAILED',
      ],
      hung: [
        'The hook beforeCheckout had not ended after 50 ms, and its connection was closed. Let it do less, or raise hookTimeoutMs.',
        'HOOK_TIMEOUT',
      ],
      value: 1,
    })
    await eventually(async () => (await fixture.backends()).length === 1)
    const { checkedOut, waiting } = database.status()
    expect({ checkedOut, waiting, counts: database.eventCounts() }).toMatchObject({
      checkedOut: 0,
      waiting: 0,
      counts: { 'hook-failed': 1, 'hook-timeout': 1 },
    })
  })

  test('that meets a lost connection gets another: the caller does not notice', async () => {
    await using fixture = await createFixture({
      pool: { prePing: false },
      beforeCheckout: async ({ db }: Connection) => void (await db.execute(sql`select 1`)),
    })
    const { database } = fixture
    let kills = 0
    await database.db.execute(sql`select 1`)
    const hooked = fixture.open({
      beforeCheckout: async ({ db, pid }: Connection) => {
        if (kills++ === 0) await fixture.terminate(pid)
        await db.execute(sql`select 1`)
      },
    })
    const { value } = await firstRow<{ value: number }>(hooked.db.execute(sql`select 1 as value`))
    expect({ value, kills, checkedOut: hooked.status().checkedOut }).toEqual({
      value: 1,
      kills: 2,
      checkedOut: 0,
    })
  })

  test('ends with its caller’s deadline', async () => {
    let isSlow = false
    await using fixture = await createFixture({
      pool: { prePing: false },
      beforeCheckout: async ({ db }: Connection) => {
        if (isSlow) await db.execute(sql`select pg_sleep(60)`)
      },
    })
    const { database } = fixture
    await database.connect()
    isSlow = true
    const error = await database
      .transaction((tx) => tx.execute(sql`select 1`), { timeoutMs: 100 })
      .catch((thrown: unknown) => (thrown as { code: string }).code)
    expect(error).toBe('STATEMENT_TIMEOUT')
    await eventually(async () => !(await fixture.isRunning('pg_sleep')))
    await eventually(() => database.status().checkedOut === 0)
  })
})

describe.skipIf(pgBouncerPrograms().length === 0)('behind a pooler', () => {
  test.each(['session', 'transaction'])('hooks are called, in %s mode', async (mode) => {
    const [program] = pgBouncerPrograms()
    await using fixture = await createFixture()
    const { appUrl } = fixture.test
    await using pooler = await startPgBouncer({
      program,
      urls: [appUrl],
      settings: { pool_mode: mode },
    } as never)
    const calls = { onConnect: 0, beforeCheckout: 0 }
    const database = fixture.open({
      url: pooler.url(appUrl),
      pool: { poolSize: 1, maxOverflow: 0 },
      onConnect: async ({ db }: Connection) => {
        calls.onConnect++
        await db.execute(sql`select set_config('app.hook', 'set', false)`)
      },
      beforeCheckout: async ({ db }: Connection) => {
        calls.beforeCheckout++
        await db.execute(sql`select set_config('app.tenant', ${`t${calls.beforeCheckout}`}, false)`)
      },
    })
    const seen = await database.db.transaction(async (tx) => [
      await settingIn(tx.execute(setting('app.hook'))),
      await settingIn(tx.execute(setting('app.tenant'))),
    ])
    // Alone at the pooler it has the same session each time, also in transaction mode. That was reset behind beforeCheckout.
    expect({ seen, calls }).toEqual({ seen: ['set', 't1'], calls: { onConnect: 2, beforeCheckout: 1 } })
    expect((await firstRow<{ n: number }>(database.db.execute(sql`select 1 as n`))).n).toBe(1)
    await database.close()
  })
})
