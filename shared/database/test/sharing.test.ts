import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow } from './support.ts'

const outcomeOf = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => 'done',
    (error: { cause?: { code?: string }; code?: string }) => error.cause?.code ?? error.code ?? String(error),
  )

describe('callers that share connections', () => {
  test('a locked table holds up nobody else, with any number of connections free', async () => {
    // A busy machine is no slow server: only who waits for the lock is slow.
    await using fixture = await createFixture({ pool: { slowStatementMs: 500 } })
    const { database } = fixture
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(
      sql`create table locked (n int); create table free (n int); insert into free values (1)`,
    )
    const read = () => database.db.execute(sql`select n from free where n = ${1}::int`).execute()
    const readLocked = () => database.db.execute(sql`select n from locked where n = ${1}::int`).execute()
    const writeLocked = () => database.db.execute(sql`insert into locked values (${1}::int)`).execute()
    // All three were fast every time.
    for (let i = 0; i < 4; i++)
      await Promise.all([read, readLocked, writeLocked].flatMap((run) => Array.from({ length: 10 }, run)))
    const unlock = Promise.withResolvers<void>()
    const isLocked = Promise.withResolvers<void>()
    const locking = owner.db.transaction(async (tx) => {
      await tx.execute(sql`lock table locked`)
      isLocked.resolve()
      await unlock.promise
    })
    await isLocked.promise
    const stuck: Promise<string>[] = []
    const free: Promise<unknown>[] = []
    for (let burst = 0; burst < 6; burst++) {
      for (let n = 0; n < 20; n++) {
        if (n % 5 > 0) free.push(read())
        else stuck.push(outcomeOf(n % 2 ? readLocked() : writeLocked()))
      }
      // Every read is answered while the table is locked: nobody waits for it.
      await Promise.all(free)
    }
    // Each of those that wait for it has a connection for itself by then.
    await eventually(() => database.status().checkedOut === stuck.length)
    expect(database.status().counters.preemptions).toBeGreaterThan(0)
    unlock.resolve()
    await locking
    expect(new Set(await Promise.all(stuck))).toEqual(new Set(['done']))
    const rows = await firstRow(database.db.execute(sql`select count(*)::int as n from locked`))
    expect(rows).toEqual({ n: 40 + 12 })
  }, 60_000)

  test.each([
    { sharedDepth: 1, prepare: true },
    { sharedDepth: 4, prepare: false },
    { sharedDepth: 16, prepare: true },
    { sharedDepth: 90, prepare: false },
  ])(
    'are not held up by the deadlines of others: %p',
    async ({ sharedDepth, prepare }) => {
      await using fixture = await createFixture({
        pool: { poolSize: 5, maxOverflow: 0, sharedDepth },
        connection: { prepare },
      })
      const { database } = fixture
      const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
      await owner.db.execute(sql`create table if not exists hurried (n int)`)
      const read = async (n: number) => {
        const row = await firstRow(database.db.execute(sql`select ${n}::int as v`))
        return row.v === n ? 'done' : 'wrong'
      }
      const write = (n: number) =>
        outcomeOf(
          database.within({ timeoutMs: 5 + (n % 20) + moreMs }, () =>
            database.db.execute(
              sql`insert into hurried select ${n}::int from pg_sleep(${(n % 31) / 1_000}::float8)`,
            ),
          ),
        )
      const reads = new Set<string>()
      const writes = new Set<string>()
      // A deadline may pass in the queue and while connecting, too, on a busy machine every one: they grow until one does not.
      let moreMs = 0
      const caller = async (caller: number) => {
        for (let n = 0; n < 30 || !writes.has('STATEMENT_TIMEOUT'); n++) {
          if ((n + caller) % 2) reads.add(await read(n * caller))
          else writes.add(await write(n + caller))
          if (n >= 30) moreMs++
        }
      }
      await Promise.all(Array.from({ length: 40 }, (_, n) => caller(n)))
      expect(reads).toEqual(new Set(['done']))
      expect(writes).toContain('STATEMENT_TIMEOUT')
      // What was cancelled ends in the background.
      await eventually(() => database.status().checkedOut === 0)
      expect(database.status()).toMatchObject({ waiting: 0, counters: { defects: 0 } })
    },
    60_000,
  )
})
