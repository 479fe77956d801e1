import { expect, test } from 'bun:test'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase, findDatabaseError } from '../src/index.ts'
import { createFixture } from './support.ts'

const callers = 20
const sessionsToEnd = 200

test('what a server says that it has undone when it ends a session is not there, what it has answered is there once', async () => {
  // Every statement is logged: to log is one more chance for a backend to notice that it has to end.
  await using server = await startTestServer({ settings: { log_min_duration_statement: '0' } })
  const urls = await server.database()
  const owner = createDatabase({ name: 'owner', url: urls.migratorUrl })
  await owner.db.execute(sql`create table ended (id int not null)`)
  const admin = createDatabase({ name: 'admin', url: urls.adminUrl, pool: { poolSize: 1, maxOverflow: 0 } })
  const database = createDatabase({
    name: 'layer',
    url: urls.appUrl,
    pool: { poolSize: 10, maxOverflow: 0, checkoutTimeoutMs: 200_000 },
  })
  const ids = { answered: new Set<number>(), undone: new Set<number>(), unknown: new Set<number>() }
  let last = 0
  let ended = 0
  const outcomeOf = async (work: PromiseLike<unknown>): Promise<keyof typeof ids> => {
    try {
      await work
      return 'answered'
    } catch (error) {
      const lost = findDatabaseError(error) as { outcome?: string } | null
      if (lost?.outcome === undefined) throw error
      return lost.outcome === 'unknown' ? 'unknown' : 'undone'
    }
  }
  const write = async (caller: number) => {
    const id = last++
    const { db } = database
    const insert = sql`insert into ended values (${id})`
    // With parameters, without, and in a transaction: each commits at another moment of its answer.
    const works = [
      () => db.execute(insert),
      () => db.execute(sql.raw(`insert into ended values (${id})`)),
      () => db.transaction((tx) => tx.execute(insert)),
    ]
    ids[await outcomeOf((works[caller % 3] as () => PromiseLike<unknown>)())].add(id)
  }
  try {
    await Promise.all([
      ...Array.from({ length: callers }, async (_, caller) => {
        while (ended < sessionsToEnd) await write(caller)
      }),
      (async () => {
        while (ended < sessionsToEnd) {
          // Those that have logged in: of a server where no login comes to its end nothing is to be learnt.
          const rows = (await admin.db.execute(sql`
              select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'layer' and query ~ '^(insert|begin|commit)' and random() < 0.3`)) as unknown[]
          ended += rows.length
        }
      })(),
    ])
    const there = (await owner.db.execute(sql`select id from ended`)) as unknown as { id: number }[]
    const times = new Map<number, number>()
    for (const { id } of there) times.set(id, (times.get(id) ?? 0) + 1)
    expect({
      lost: [...ids.answered].filter((id) => times.get(id) !== 1).length,
      undoneButThere: [...ids.undone].filter((id) => times.has(id)).length,
      twice: [...times.values()].filter((count) => count > 1).length,
    }).toEqual({ lost: 0, undoneButThere: 0, twice: 0 })
    expect(ids.undone.size).toBeGreaterThan(0)
  } finally {
    await Promise.all([owner.close(), admin.close(), database.close({ timeoutMs: 500 })])
  }
}, 240_000)

test('what may have committed a part of itself before its session was ended is not said to be undone', async () => {
  await using fixture = await createFixture({ pool: { poolSize: 4, maxOverflow: 0 } })
  const { database, terminate, test } = fixture
  const owner = fixture.open({ name: 'owner', url: test.migratorUrl })
  await owner.db.execute(sql`create table parts (id int not null)`)
  await owner.db.execute(sql`
    create procedure write_parts() language plpgsql as $$
    begin insert into parts values (1); commit; perform pg_sleep(60); end $$`)
  await owner.db.execute(sql`grant execute on procedure write_parts to public`)
  const release = Promise.withResolvers<void>()
  const writing = owner.db.transaction(async (tx) => {
    await tx.execute(sql`insert into parts values (4)`)
    await release.promise
  })
  const migrator = fixture.open({ url: test.migratorUrl })
  /** With what it has committed of itself when its session is ended. */
  const texts: [typeof database, text: string, part: number | null][] = [
    [database, 'call write_parts()', 1],
    [database, 'do $$ begin insert into parts values (2); commit; perform pg_sleep(60); end $$', 2],
    [migrator, 'create index concurrently if not exists parts_id on parts (id)', null],
    [database, '/* a * note */ -- and another\n (select pg_sleep(60))', null],
    [database, 'insert into parts select 3 from pg_sleep(60)', null],
  ]
  const isThere = async (part: number) =>
    ((await owner.db.execute(sql`select id from parts where id = ${part}`)) as unknown as unknown[])
      .length === 1
  const outcomes: Record<string, string | undefined> = {}
  for (const [handle, text, part] of texts) {
    const work = handle.db.execute(sql.raw(text))
    const ended = Promise.resolve(work).catch((error: unknown) => error)
    await eventually(() => fixture.isRunning(text))
    if (part !== null) await eventually(() => isThere(part))
    await terminate()
    outcomes[text] = (findDatabaseError(await ended) as { outcome?: string } | null)?.outcome
  }
  release.resolve()
  await writing
  const rows = await owner.db.execute(sql`select id from parts order by id`)
  expect({ outcomes: Object.values(outcomes), rows: [...(rows as unknown as unknown[])] }).toEqual({
    outcomes: ['unknown', 'unknown', 'unknown', 'rolled-back', 'rolled-back'],
    rows: [{ id: 1 }, { id: 2 }, { id: 4 }],
  })
}, 240_000)
