import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createFixture, observed } from './support.ts'

/** Waits a number of turns of the event loop: an attempt to connect gets that far. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

const attempts = Array.from({ length: 40 }, (_, turn) => turn)

describe('an attempt to connect that is given up', () => {
  test('by close() leaves no backend, at whatever moment', async () => {
    await using fixture = await createFixture()
    const { name } = fixture.database
    const outcomes = await Promise.all(
      attempts.map(async (moment) => {
        const database = fixture.open({ name })
        const connecting = database.connect().then(
          () => 'connected',
          (error: { code: string }) => error.code,
        )
        await turns(moment)
        await database.close({ timeoutMs: 0 })
        return connecting
      }),
    )
    expect(outcomes.filter((outcome) => outcome !== 'connected' && outcome !== 'POOL_CLOSED')).toEqual([])
    await eventually(async () => (await fixture.backends()).length === 0)
  }, 60_000)

  test('by its signal leaves no backend when the pool is closed', async () => {
    await using fixture = await createFixture()
    const { name } = fixture.database
    await Promise.all(
      attempts.map(async (moment) => {
        const database = fixture.open({ name })
        const abort = new AbortController()
        const connecting = database.connect({ signal: abort.signal }).catch(() => {})
        await turns(moment)
        abort.abort()
        await connecting
        await database.close({ timeoutMs: 0 })
      }),
    )
    await eventually(async () => (await fixture.backends()).length === 0)
  }, 60_000)

  test('lets its process end', async () => {
    await using fixture = await createFixture()
    const program = `
      import { createDatabase } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).pathname)}
      for (let moment = 0; moment < 10; moment++) {
        const database = createDatabase({ name: 'ends', url: process.env.URL })
        const connecting = database.connect().catch(() => {})
        for (let i = 0; i < moment; i++) await new Promise((resolve) => setImmediate(resolve))
        await database.close({ timeoutMs: 0 })
        await connecting
      }`
    const child = Bun.spawn([process.execPath, '-e', program], {
      env: { ...process.env, URL: fixture.test.appUrl },
      stdout: 'ignore',
      stderr: 'inherit',
      timeout: 60_000,
    })
    expect(await child.exited).toBe(0)
  }, 120_000)
})

describe('close()', () => {
  test('settles with everything that is out, and when it has settled the server has let go', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 3, maxOverflow: 0 } })
    const { database } = fixture
    await Promise.all([1, 2, 3].map(() => database.db.execute(sql`select 1`)))
    await observed(database)
    const outcomes = [
      ...Array.from({ length: 6 }, () => database.db.execute(sql`select pg_sleep(60)`).execute()),
      database.use(({ db }) => db.execute(sql`select pg_sleep(60)`)),
      database.db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`)),
    ].map((work) =>
      Promise.resolve(work).then(
        () => 'done',
        () => 'failed',
      ),
    )
    await eventually(async () => (await fixture.backends()).length === 3)
    await database.close({ timeoutMs: 50 })
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => 'failed'))
    expect(await fixture.backends()).toEqual([])
  }, 60_000)
})
