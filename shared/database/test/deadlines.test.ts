import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  CheckoutTimeoutError,
  ConnectError,
  type Database,
  findDatabaseError,
  StatementTimeoutError,
  WorkAbortedError,
} from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

type Plain = Database<Record<string, never>>

// A connection that was idle for a while would be pinged, and the time of a deadline go there; a wait that takes a second is
// reported, which nothing here is about.
const one = { poolSize: 1, maxOverflow: 0, sharedDepth: 1, prePing: false, slowCheckoutMs: 0 }
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )
const select = (database: Plain) => Promise.resolve(database.db.execute(sql`select 1`))
const oversleep = ({ db }: Pick<Plain, 'db'>) => Promise.resolve(db.execute(sql`select pg_sleep(60)`))
const hang = 'not answered'
/** What the work settles with, or `hang`: far beyond every deadline here. */
const settled = (work: PromiseLike<unknown>) => Promise.race([thrownBy(work), sleep(30_000, hang)])

/** Holds the only connection of a pool until it is released. */
async function holdAll(database: Plain) {
  const release = Promise.withResolvers<void>()
  const held = database.use(() => release.promise)
  await eventually(() => database.status().checkedOut === 1)
  return async () => {
    release.resolve()
    await held
  }
}

describe('a deadline that passes in the queue of a full pool is a CheckoutTimeoutError, no matter who set it', () => {
  const timeoutMs = 60
  const ways: Record<string, { owner: string; run: (database: Plain) => Promise<unknown> }> = {
    'the pool, for a statement': { owner: 'pool', run: select },
    'the pool, for a transaction': {
      owner: 'pool',
      run: ({ db }) => db.transaction((tx) => tx.execute(sql`select 1`)),
    },
    'the call of use()': { owner: 'call', run: (database) => database.use(async () => {}, { timeoutMs }) },
    'the call of transaction()': {
      owner: 'call',
      run: (database) => database.transaction((tx) => tx.execute(sql`select 1`), { timeoutMs }),
    },
    'the call of ping()': { owner: 'call', run: (database) => database.ping({ timeoutMs }) },
    'the call of connect()': { owner: 'call', run: (database) => database.connect({ timeoutMs }) },
    'within(), for a statement': {
      owner: 'within',
      run: (database) => database.within({ timeoutMs }, () => select(database)),
    },
    'within(), for ping()': {
      owner: 'within',
      run: (database) => database.within({ timeoutMs }, () => database.ping()),
    },
    'within(), for connect()': {
      owner: 'within',
      run: (database) => database.within({ timeoutMs }, () => database.connect()),
    },
    'within(), for a use() with a signal of its own': {
      owner: 'within',
      run: (database) =>
        database.within({ timeoutMs }, () =>
          database.use(async () => {}, { signal: new AbortController().signal }),
        ),
    },
    'a request': {
      owner: 'request',
      run: (database) => database.within({ timeoutMs, owner: 'request' }, () => select(database)),
    },
  }

  test.each(Object.entries(ways))('%s', async (_name, { owner, run }) => {
    await using fixture = await createFixture()
    const { events } = fixture
    const database = fixture.open({
      url: fixture.test.appUrl,
      pool: { ...one, checkoutTimeoutMs: owner === 'pool' ? timeoutMs : 30_000 },
      connection: { definitionsCheckMs: 0 },
      onEvent: ({ type }) => events.push(type),
    })
    await database.connect()
    const release = await holdAll(database)
    const error = await settled(run(database))
    await release()
    const { waiting, counters } = database.status()
    expect({ error, waiting, counters, events }).toMatchObject({
      error: { code: 'CHECKOUT_TIMEOUT', deadline: { owner, timeoutMs, spentOn: 'queue' } },
      waiting: 0,
      counters: { timeouts: 1, cancels: 0 },
      events: ['checkout-timeout'],
    })
    expect(error).toBeInstanceOf(CheckoutTimeoutError)
  })

  test('the error says how much of the time was spent waiting, and whose time it was', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.connect()
    let inLineMs = 0
    const error = await thrownBy(
      database.within({ timeoutMs: 3_000 }, async () => {
        await database.db.execute(sql`select pg_sleep(1)`)
        const release = await holdAll(database)
        const startedAt = performance.now()
        try {
          await select(database)
        } finally {
          inLineMs = performance.now() - startedAt
          await release()
        }
      }),
    )
    const { waitedMs, message } = error as CheckoutTimeoutError
    expect({ isOfTheWait: waitedMs > 0 && waitedMs <= inLineMs, message }).toEqual({
      isOfTheWait: true,
      message: expect.stringContaining(
        `in ${Math.round(waitedMs)} ms, when the 3000 ms of within() were over`,
      ),
    })
  })

  test("a caller's signal is no deadline: what waits is aborted, and counted as given up", async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.connect()
    const release = await holdAll(database)
    const controller = new AbortController()
    const inWithin = thrownBy(database.within({ signal: controller.signal }, () => select(database)))
    const inUse = thrownBy(database.use(async () => {}, { signal: controller.signal }))
    await eventually(() => database.status().waiting === 2)
    controller.abort(new Error('hung up'))
    const errors = [await inWithin, await inUse]
    await release()
    const aborted = { code: 'CHECKOUT_ABORTED', deadline: null, cause: { message: 'hung up' } }
    expect({ errors, counters: database.status().counters }).toMatchObject({
      errors: [aborted, aborted],
      counters: { timeouts: 0, cancels: 2 },
    })
  })
})

describe('a deadline that passes while the server gives no connection is a ConnectError', () => {
  const timeoutMs = 80
  const ways: Record<string, (database: Plain) => Promise<unknown>> = {
    'a statement': select,
    'use()': (database) => database.use(async () => {}),
    'use() with more time of its own': (database) =>
      database.use(async () => {}, { timeoutMs: 60_000, signal: new AbortController().signal }),
    'connect()': (database) => database.connect(),
    'ping()': (database) => database.ping(),
    'a transaction with more time of its own': (database) =>
      database.transaction((tx) => tx.execute(sql`select 1`), { timeoutMs: 60_000 }),
  }

  test.each(Object.entries(ways))('%s inside within()', async (_name, run) => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ url: proxy.url(fixture.test.appUrl), pool: one })
    await proxy.set('acceptThenMute')
    const error = await settled(database.within({ timeoutMs }, () => run(database)))
    expect({ error, counters: database.status().counters }).toMatchObject({
      error: { code: 'CONNECT_FAILED', deadline: { owner: 'within', timeoutMs, spentOn: 'connect' } },
      counters: { timeouts: 0, cancels: 0 },
    })
    expect(error).toBeInstanceOf(ConnectError)
    expect((error as Error).message).toContain('the 80 ms of within() were over')
  })
})

describe('a deadline that passes under a statement is a StatementTimeoutError', () => {
  test.each<[string, (database: Plain) => Promise<unknown>]>([
    ['a statement', oversleep],
    ['use()', (database) => database.use(oversleep)],
    ['use() with more time of its own', (database) => database.use(oversleep, { timeoutMs: 60_000 })],
    ['a transaction', ({ db }) => db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`))],
  ])('%s inside within()', async (_name, run) => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.connect()
    const error = await settled(database.within({ timeoutMs: 80 }, () => run(database)))
    expect(error).toBeInstanceOf(StatementTimeoutError)
    expect(error).toMatchObject({ deadline: { owner: 'within', timeoutMs: 80, spentOn: 'statement' } })
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
  })

  test('the time of a call holds inside longer ones around it, and is named as its own', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.connect()
    const inUse = await settled(
      database.within({ timeoutMs: 60_000 }, () => database.use(oversleep, { timeoutMs: 50 })),
    )
    // It has its answer before its connection is clean, which the next one would wait for.
    await eventually(() => database.status().idle === 1)
    const inTransaction = await settled(
      database.within({ timeoutMs: 60_000 }, () =>
        database.transaction((tx) => tx.execute(sql`select pg_sleep(60)`), { timeoutMs: 50 }),
      ),
    )
    const deadline = { owner: 'call', timeoutMs: 50, spentOn: 'statement' }
    expect([inUse, inTransaction]).toMatchObject([{ deadline }, { deadline }])
  })

  test('ping() over a connection that has gone silent ends at the deadline around it', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ url: proxy.url(fixture.test.appUrl), pool: one })
    await database.connect()
    await proxy.set('freezeAll')
    const error = await settled(
      database.within({ timeoutMs: 80 }, () => database.ping({ timeoutMs: 60_000 })),
    )
    expect(error).toMatchObject({ code: 'STATEMENT_TIMEOUT', deadline: { owner: 'within', timeoutMs: 80 } })
  }, 60_000)

  test.each<[string, (database: Plain) => Promise<unknown>]>([
    ['use()', (database) => database.use(oversleep)],
    ['a transaction', ({ db }) => db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`))],
  ])(
    '%s on a frozen backend is answered before its connection is clean',
    async (_name, run) => {
      await using fixture = await createFixture({ pool: one })
      const { database } = fixture
      const pid = await database.use(async (connection) => connection.pid)
      const deadline = new AbortController()
      const work = settled(database.within({ signal: deadline.signal }, () => run(database)))
      await eventually(async () =>
        (await fixture.backends()).some(({ query }) => query.includes('pg_sleep(60)')),
      )
      process.kill(pid, 'SIGSTOP')
      try {
        deadline.abort()
        expect(await work).toBeInstanceOf(WorkAbortedError)
        expect(database.status()).toMatchObject({ checkedOut: 1, counters: { closes: { lost: 0 } } })
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
    },
    60_000,
  )
})

describe("a deadline that passes in the caller's own code", () => {
  /** Waits until the deadline around it has passed: from then on not even a connection is given, which sends nothing. */
  const passed = (database: Plain) =>
    eventually(() =>
      database.connect({ timeoutMs: Number.POSITIVE_INFINITY }).then(
        () => false,
        () => true,
      ),
    )

  test('sends no further statement, and says so', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    await database.db.execute(sql`select 'before' as marker`)
    const late = database.within({ timeoutMs: 20 }, async () => {
      await passed(database)
      await select(database)
    })
    expect(await thrownBy(late)).toMatchObject({
      code: 'STATEMENT_TIMEOUT',
      message: expect.stringContaining('was not sent'),
      deadline: { owner: 'within', timeoutMs: 20, spentOn: 'caller' },
    })
    expect(await fixture.backends()).toMatchObject([{ query: "select 'before' as marker" }])
  })

  test('commits nothing: the transaction is rolled back', async () => {
    await using fixture = await createFixture({ pool: { ...one, poolSize: 2 } })
    const { database } = fixture
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table late_rows (n int)`)
    // One for the transaction, and one to see by that its time is over.
    await database.use(() => database.connect())
    const error = await thrownBy(
      database.transaction(
        async (tx) => {
          await tx.execute(sql`insert into late_rows values (1)`)
          // The time is over in here, and not while the insert is under way.
          await passed(database)
        },
        { timeoutMs: 3_000 },
      ),
    )
    expect(error).toMatchObject({ deadline: { owner: 'call', timeoutMs: 3_000, spentOn: 'caller' } })
    expect(await firstRow(owner.db.execute(sql`select count(*)::int as n from late_rows`))).toEqual({ n: 0 })
    expect(database.status()).toMatchObject({ total: 2, counters: { connects: 2 } })
  })
})
