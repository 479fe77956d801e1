import { describe, expect, setSystemTime, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

const one = sql`select 1 as n`

describe('a pool', () => {
  test('shares nothing with the others of its process: what happens to one is not felt by them', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    await using second = await withDatabase({ service: 'second' })
    await using third = await withDatabase({ service: 'third' })
    const others = [
      fixture.open({ name: 'second', url: second.appUrl, pool: { poolSize: 1, maxOverflow: 0 } }),
      fixture.open({ name: 'third', url: third.appUrl, pool: { poolSize: 1, maxOverflow: 0 } }),
    ]
    const pids = () =>
      Promise.all(others.map(({ db }) => firstRow(db.execute(sql`select pg_backend_pid() as pid`))))
    const before = await pids()
    await fixture.database.connect()
    const gate = Promise.withResolvers<void>()
    const held = fixture.database.use(() => gate.promise)
    await eventually(() => fixture.database.status().checkedOut === 1)
    const queued = firstRow(fixture.database.db.execute(one))
    expect(await pids()).toEqual(before)
    await fixture.terminate()
    // Until it is noticed the connection would go to the next in the queue.
    await eventually(() => fixture.database.status().counters.closes.lost === 1)
    gate.resolve()
    await held
    expect(await queued).toEqual({ n: 1 })
    await fixture.database.close()
    expect(await pids()).toEqual(before)
    for (const other of others)
      expect(other.status()).toMatchObject({
        total: 1,
        counters: { connects: 1, pingFailures: 0, closes: { lost: 0, invalidated: 0 } },
      })
  })

  test('lives by the monotonic clock: the clock on the wall may jump by years in both directions', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0, recycleMs: 60_000 } })
    const { database } = fixture
    await database.connect()
    try {
      for (const year of ['2099', '1999']) {
        setSystemTime(new Date(`${year}-01-01`))
        const gate = Promise.withResolvers<void>()
        const held = database.use(() => gate.promise)
        const queued = firstRow(database.db.execute(one))
        await new Promise(setImmediate)
        gate.resolve()
        await held
        expect(await queued).toEqual({ n: 1 })
      }
    } finally {
      setSystemTime()
    }
    expect(database.status()).toMatchObject({
      total: 1,
      counters: { connects: 1, recycles: 0, timeouts: 0, closes: { idle: 0, recycled: 0 } },
    })
  })

  test('does not care for a listener that throws: the event is kept, and callers are served', async () => {
    await using fixture = await createFixture()
    const database = fixture.open({
      name: 'overheard',
      onEvent: () => {
        throw new Error('the listener broke')
      },
    })
    const pid = await database.use(async (connection) => connection.pid)
    await fixture.terminate(pid)
    await eventually(() => database.status().counters.closes.lost === 1)
    expect(await firstRow(database.db.execute(one))).toEqual({ n: 1 })
    expect(database.events().map(({ type }) => type)).toContain('connection-lost')
  })
})

describe('a statement on a warm connection', () => {
  // It stays warm for as long as this process is kept from its work.
  const warm = { pool: { prePing: false } }

  test('is handed to the driver at once, in the same turn in which it was asked for', async () => {
    await using fixture = await createFixture(warm)
    const { database } = fixture
    await database.db.execute(one)
    const { checkouts } = database.status().counters
    const answer = database.db.$client.unsafe('select 1 as n', []).then((rows: unknown) => rows)
    expect(database.status()).toMatchObject({
      checkedOut: 1,
      idle: 0,
      counters: { checkouts: checkouts + 1 },
    })
    expect(await answer).toMatchObject([{ n: 1 }])
  })

  test('is so too when Drizzle builds it, and as the first of a transaction', async () => {
    await using fixture = await createFixture(warm)
    const { database } = fixture
    const { db } = database
    await db.execute(one)
    const query = db.select({ n: sql<number>`1` }).from(sql`(values (1)) as v`).execute()
    const byQuery = database.status().checkedOut
    await query
    const ran: number[] = []
    const transaction = db.transaction((tx) => {
      ran.push(database.status().checkedOut)
      return tx.execute(one)
    })
    expect({ byQuery, ran }).toEqual({ byQuery: 1, ran: [1] })
    expect(await transaction).toMatchObject([{ n: 1 }])
  })
})

test('a process whose databases are closed ends by itself, and one that never used them too', async () => {
  await using target = await withDatabase()
  const program = (...lines: string[]) =>
    Bun.spawn(
      [
        process.execPath,
        '-e',
        [
          `import { createDatabase } from ${JSON.stringify(join(import.meta.dir, '../src/index.ts'))}`,
          "const database = createDatabase({ name: 'ends', url: process.env.TARGET })",
          ...lines,
          "console.log('last line')",
        ].join('\n'),
      ],
      { env: { ...process.env, TARGET: target.appUrl }, stdout: 'pipe', stderr: 'inherit', timeout: 60_000 },
    )
  const runs = [
    program(),
    program(
      "await Promise.all(Array.from({ length: 20 }, () => database.db.execute('select pg_sleep(0.01)')))",
      'await database.observe((connection, leftMs) => connection.ping(leftMs))',
      'await database.close()',
    ),
  ]
  const ends = await Promise.all(
    runs.map(async (run) => ({ said: (await run.stdout.text()).trim(), code: await run.exited })),
  )
  expect(ends).toEqual([
    { said: 'last line', code: 0 },
    { said: 'last line', code: 0 },
  ])
  const probe = createDatabase({ name: 'observer', url: target.adminUrl })
  const left = await probe.db.execute(sql`select 1 from pg_stat_activity where application_name like 'ends%'`)
  expect(left).toHaveLength(0)
  await probe.close()
}, 120_000)
