import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConnectionLostError, findDatabaseError, WorkAbortedError } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0, sharedDepth: 1 }
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )
/** What the work settles with, or a text: far beyond every deadline here. */
const settled = (work: PromiseLike<unknown>) => Promise.race([thrownBy(work), sleep(30_000, 'not answered')])

describe('a COMMIT that takes longer than its caller has', () => {
  const commits = async (fixture: Fixture) =>
    (await fixture.backends()).some(({ state, query }) => state === 'active' && query === 'commit')

  /** A table whose rows are committed when `release` is called, and the count of those that are. */
  async function slowTable(fixture: Fixture, name: string) {
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(
      sql.raw(`
        create table ${name} (n int);
        create function ${name}_commit() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(7); return null; end';
        create constraint trigger slow after insert on ${name} deferrable initially deferred
          for each row execute function ${name}_commit()`),
    )
    const isLocked = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const holding = owner.use(async ({ db }) => {
      await db.execute(sql`select pg_advisory_lock(7)`)
      isLocked.resolve()
      await released.promise
    })
    await isLocked.promise
    return {
      async release() {
        released.resolve()
        await holding
      },
      count: async () =>
        (await firstRow<{ n: number }>(owner.db.execute(sql.raw(`select count(*)::int as n from ${name}`))))
          .n,
    }
  }

  test('is reported as unknown at the deadline, goes on, and its connection comes back', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    const { release, count } = await slowTable(fixture, 'late_commits')
    const pid = await database.use(async (connection) => connection.pid)
    const error = await settled(
      database.within({ timeoutMs: 3_000 }, () =>
        database.transaction((tx) => tx.execute(sql`insert into late_commits values (1)`), { retries: 3 }),
      ),
    )
    const isUnderWay = await commits(fixture)
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect({ error, isUnderWay, status: database.status() }).toMatchObject({
      error: {
        outcome: 'unknown',
        deadline: { owner: 'within', timeoutMs: 3_000, spentOn: 'commit' },
        message: expect.stringContaining(
          'COMMIT had not been answered when the 3000 ms of within() were over',
        ),
      },
      isUnderWay: true,
      status: { checkedOut: 1 },
    })
    await release()
    const next = await firstRow(database.db.execute(sql`select pg_backend_pid() as pid`))
    expect({ next, rows: await count(), status: database.status() }).toMatchObject({
      next: { pid },
      rows: 1,
      status: { total: 1, waiting: 0, counters: { connects: 1 } },
    })
  }, 60_000)

  test('is the same for a signal, and close() waits for its end', async () => {
    await using fixture = await createFixture({ pool: one })
    const { database } = fixture
    const { release, count } = await slowTable(fixture, 'aborted_commits')
    const controller = new AbortController()
    const work = settled(
      database.transaction((tx) => tx.execute(sql`insert into aborted_commits values (1)`), {
        signal: controller.signal,
      }),
    )
    await eventually(() => commits(fixture))
    controller.abort(new Error('hung up'))
    expect(await work).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown', deadline: null })
    expect((await work) as Error).toMatchObject({ cause: expect.any(WorkAbortedError) })
    const closed = database.close({ timeoutMs: Number.POSITIVE_INFINITY })
    // Time enough for a close() that does not wait to have ended it.
    await sleep(300)
    const isUnderWay = await commits(fixture)
    await release()
    await closed
    expect({ isUnderWay, rows: await count(), backends: await fixture.backends() }).toEqual({
      isUnderWay: true,
      rows: 1,
      backends: [],
    })
  }, 60_000)
})
