import { describe, expect, test } from 'bun:test'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  CheckoutTimeoutError,
  ConfigurationError,
  ConnectError,
  createDatabase,
  findDatabaseError,
  PoolClosedError,
  sqlState,
} from '../src/index.ts'
import { printed } from './printed.ts'
import { createFixture, firstRow, observed } from './support.ts'

describe('createDatabase', () => {
  test('opens nothing until it is used, and connect() opens and verifies one connection', async () => {
    await using fixture = await createFixture()
    expect(await fixture.backends()).toEqual([])
    await fixture.database.connect()
    expect(await fixture.backends()).toHaveLength(1)
    expect(fixture.database.status()).toMatchObject({ total: 1, idle: 1 })
  })

  test('refuses a bad URL, a bad option and an empty name before anything happens', () => {
    const url = 'postgres://u:canary@127.0.0.1/d'
    expect(() => createDatabase({ name: 'x', url: 'nonsense' })).toThrow(ConfigurationError)
    expect(() => createDatabase({ name: 'x', url, pool: { poolSize: 0 } })).toThrow(
      'Option pool.poolSize must be',
    )
    expect(() => createDatabase({ name: '', url })).toThrow('Option name')
  })

  test('a pool of 2 + 1 under 500 concurrent queries never has more than 3 backends', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 2, maxOverflow: 1, sharedDepth: 4 } })
    const { database } = fixture
    let most = 0
    let done = false
    const watching = (async () => {
      while (!done) most = Math.max(most, (await fixture.backends()).length)
    })()
    const rows = await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        firstRow<{ i: number }>(database.db.execute(sql`select ${i}::int as i, pg_sleep(0.001)`)),
      ),
    )
    done = true
    await watching
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: 500 }, (_, i) => i))
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
    expect(database.status()).toMatchObject({ checkedOut: 0, waiting: 0 })
    // The others may have done all the work before the last connection was there.
    await eventually(() => database.status().connecting === 0)
    expect(database.status().total).toBeLessThanOrEqual(3)
  })

  test('a read is put behind another one, unless that was slow before; whatever may write is behind nobody', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0, prePing: false } })
    const { db } = fixture.database
    const slow = 'select count(*) from generate_series(1, 2000000)'
    let reads = 0
    // A text of its own each time: a busy moment may have made one slow that ran before.
    const read = () => `select ${++reads}`
    // What the network takes is no part of a statement's time: that is known once one of them was answered at once.
    for (let n = 0; n < 20; n++) await db.execute(sql.raw(read()))
    const waitingBehind = async (first: string, second: string) => {
      const answers = [first, second].map((text) => db.$client.unsafe(text).execute())
      const { waiting } = fixture.database.status()
      await Promise.all(answers)
      // Nothing of a cancellation is left on it either, which would keep others away.
      await eventually(() => fixture.database.status().idle === 1)
      return waiting
    }
    const neverSeen = await waitingBehind(slow, read())
    await db.execute(sql.raw(slow))
    expect({
      neverSeen,
      slowBefore: await waitingBehind(slow, read()),
      mayWrite: await waitingBehind(read(), 'select pg_sleep(0)'),
    }).toEqual({ neverSeen: 0, slowBefore: 1, mayWrite: 1 })
  })

  test('the 4th exclusive lease of 2 + 1 waits and fails with the numbers', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 2, maxOverflow: 1 } })
    const release = Promise.withResolvers<void>()
    const held = [1, 2, 3].map(() => fixture.database.use(() => release.promise))
    await eventually(() => fixture.database.status().checkedOut === 3)
    const error = await fixture.database
      .use(async () => {}, { timeoutMs: 50 })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CheckoutTimeoutError)
    expect(error).toMatchObject({
      code: 'CHECKOUT_TIMEOUT',
      timeoutMs: 50,
      status: {
        poolSize: 2,
        maxOverflow: 1,
        total: 3,
        idle: 0,
        checkedOut: 3,
        overflow: 1,
        connecting: 0,
        waiting: 0,
      },
    })
    release.resolve()
    await Promise.all(held)
  })

  test('a checkout error inside a Drizzle call is found in its causes', async () => {
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0, checkoutTimeoutMs: 30, prePing: false },
    })
    await fixture.database.connect({ timeoutMs: 60_000 })
    const release = Promise.withResolvers<void>()
    const held = fixture.database.use(() => release.promise)
    await eventually(() => fixture.database.status().checkedOut === 1)
    const error = await Promise.resolve(fixture.database.db.execute(sql`select 1`)).catch(
      (thrown: unknown) => thrown,
    )
    expect(findDatabaseError(error)).toBeInstanceOf(CheckoutTimeoutError)
    release.resolve()
    await held
  })

  test('a transaction that uses the outer db on a full pool gets an error instead of hanging', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { db } = fixture.database
    const error = await db
      .transaction(async (tx) => {
        await tx.execute(sql`select 1`)
        await db.execute(sql`select 2`)
      })
      .catch((thrown: unknown) => thrown)
    expect(findDatabaseError(error)).toMatchObject({ code: 'NESTED_CHECKOUT' })
    expect(await firstRow(db.execute(sql`select 3 as n`))).toEqual({ n: 3 })
  })

  test('ping answers with the round trip', async () => {
    await using fixture = await createFixture()
    const { latencyMs } = await fixture.database.ping()
    expect(latencyMs).toBeGreaterThan(0)
    expect(fixture.database.status()).toMatchObject({ total: 1, idle: 1, checkedOut: 0 })
  })

  test('PG* variables change nothing', async () => {
    const { PGOPTIONS, PGDATABASE, PGAPPNAME, PGMAX, PGTARGETSESSIONATTRS, PGUSER } = process.env
    const strays = {
      PGDATABASE: 'elsewhere',
      PGAPPNAME: 'stray',
      PGMAX: '50',
      PGTARGETSESSIONATTRS: 'standby',
      PGUSER: 'nobody',
      PGIDLE_TIMEOUT: '1',
    }
    Object.assign(process.env, strays)
    try {
      await using fixture = await createFixture()
      const row = await firstRow(
        fixture.database.db.execute(
          sql`select current_database() as database, current_setting('application_name') as application`,
        ),
      )
      expect(row).toEqual({ database: fixture.test.name, application: fixture.database.name })
    } finally {
      for (const name of Object.keys(strays)) delete process.env[name]
      Object.assign(
        process.env,
        JSON.parse(JSON.stringify({ PGOPTIONS, PGDATABASE, PGAPPNAME, PGMAX, PGTARGETSESSIONATTRS, PGUSER })),
      )
    }
  })

  test('statementTimeoutMs and applicationName reach the session', async () => {
    await using fixture = await createFixture({
      // Long enough for the other statements, of the login too, on a server that is kept from its work.
      connection: { statementTimeoutMs: 3_000, applicationName: 'named' },
    })
    const { db } = fixture.database
    expect(await firstRow(db.execute(sql`select current_setting('application_name') as name`))).toEqual({
      name: 'named',
    })
    const error = await Promise.resolve(db.execute(sql`select pg_sleep(60)`)).catch(
      (thrown: unknown) => thrown,
    )
    expect(sqlState(error)).toBe('57014')
    expect(await firstRow(db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
  })
})

describe('connect errors', () => {
  const refusal = async (url: string, connectTimeoutMs = 60_000) => {
    const database = createDatabase({ name: 'refused', url, connection: { connectTimeoutMs } })
    try {
      return await database.connect({ timeoutMs: 60_000 }).catch((thrown: unknown) => thrown as ConnectError)
    } finally {
      await database.close()
    }
  }

  test('a wrong password, an unknown database and a forbidden one each fail at once by SQLSTATE, without the password', async () => {
    await using fixture = await createFixture()
    const url = new URL(fixture.test.appUrl)
    url.password = 'canary'
    const wrongPassword = await refusal(url.href)
    const unknown = new URL(fixture.test.appUrl)
    unknown.pathname = '/no_such_db'
    const forbidden = new URL(fixture.test.appUrl)
    await using other = await withDatabase({ service: 'other' })
    forbidden.pathname = `/${other.name}`
    const errors = [wrongPassword, await refusal(unknown.href), await refusal(forbidden.href)]
    expect(errors.map((error) => error?.constructor)).toEqual([ConnectError, ConnectError, ConnectError])
    expect(
      errors.map((error) => [(error as ConnectError).sqlState, (error as ConnectError).retryable]),
    ).toEqual([
      ['28P01', false],
      ['3D000', false],
      ['42501', false],
    ])
    expect(printed(wrongPassword)).not.toContain('canary')
  })

  test('a port where nothing listens is retried for a while, then named', async () => {
    const error = await refusal('postgres://u:p@127.0.0.1:1/d', 500)
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', driverCode: 'ECONNREFUSED' })
  })

  test('a server that accepts and never speaks is given up after connectTimeoutMs', async () => {
    await using silent = await listen(() => {})
    const database = createDatabase({
      name: 'silent',
      url: `postgres://u:p@127.0.0.1:${silent.port}/d`,
      connection: { connectTimeoutMs: 30 },
    })
    const error = await database.connect({ timeoutMs: 60_000 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', driverCode: 'CONNECT_TIMEOUT', deadline: null })
    await database.close()
  })

  test('a server that accepts and hangs up gets a bounded number of attempts', async () => {
    let accepted = 0
    await using rude = await listen((socket) => {
      accepted++
      socket.end()
    })
    const database = createDatabase({
      name: 'rude',
      url: `postgres://u:p@127.0.0.1:${rude.port}/d?sslmode=disable`,
    })
    const error = await database.connect({ timeoutMs: 300 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CONNECT_FAILED' })
    expect(accepted).toBeGreaterThan(0)
    // Doubling from 10 ms: 7 attempts fit into 300 ms at the most jitter. postgres.js alone makes hundreds.
    expect(accepted).toBeLessThan(15)
    await database.close()
  })
})

describe('close', () => {
  test('leaves no backend, refuses further work, and is idempotent', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    await Promise.all(Array.from({ length: 20 }, () => database.db.execute(sql`select pg_sleep(0.01)`)))
    await observed(database)
    await Promise.all([database.close(), database.close()])
    expect(await fixture.backends()).toEqual([])
    const error = await Promise.resolve(database.db.execute(sql`select 1`)).catch((thrown: unknown) => thrown)
    expect(findDatabaseError(error)).toBeInstanceOf(PoolClosedError)
    expect(database.status()).toMatchObject({ total: 0, checkedOut: 0, idle: 0 })
  })

  test('lets statements and transactions under way finish', async () => {
    await using fixture = await createFixture({ pool: { prePing: false } })
    const { database } = fixture
    const both = Promise.withResolvers<void>()
    const held = [1, 2].map(() => database.use(() => both.promise))
    await eventually(() => database.status().checkedOut === 2)
    both.resolve()
    await Promise.all(held)
    // On warm connections both are under way in this very turn, in which close() is called.
    const statement = firstRow(database.db.$client.unsafe(`select 'done' as state, pg_sleep(0.1)`).execute())
    const transaction = database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_sleep(0.05)`)
      return firstRow(tx.execute(sql`select 'too' as state`))
    })
    const { checkedOut } = database.status()
    await database.close({ timeoutMs: 60_000 })
    expect(checkedOut).toBe(2)
    expect([await statement, await transaction]).toMatchObject([{ state: 'done' }, { state: 'too' }])
  })

  test('cancels on the server what is still running at its deadline', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const endless = Promise.resolve(database.db.execute(sql`select pg_sleep(60)`)).catch(
      (thrown: unknown) => thrown,
    )
    await eventually(() => fixture.isRunning('pg_sleep(60)'))
    await database.close({ timeoutMs: 20 })
    expect(await endless).toBeInstanceOf(Error)
    await eventually(async () => (await fixture.backends()).length === 0)
  })
})

/** A server of whatever kind on a port of its own. */
async function listen(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
