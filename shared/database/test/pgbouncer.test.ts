import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  eventually,
  type PgBouncer,
  type PgBouncerProgram,
  pgBouncerPrograms,
  startPgBouncer,
  type TestDatabase,
  withDatabase,
} from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  ConnectError,
  createDatabase,
  type Database,
  type DatabaseEvent,
  type DatabaseOptions,
  findDatabaseError,
  sqlState,
} from '../src/index.ts'
import { kindsOf, startCallers } from './callers.ts'
import { firstRow } from './support.ts'

type Plain = Record<string, never>
type Settings = Readonly<Record<string, string>>

const programs = pgBouncerPrograms()
const tracking = programs.filter(({ tracks }) => tracks)
// Many thousand questions take a busy machine some minutes.
const mostMs = 400_000
const tracked: Settings = { max_prepared_statements: '100' }
const untrackedBy = ({ tracks }: PgBouncerProgram): Settings =>
  tracks ? { max_prepared_statements: '0' } : {}

let home: TestDatabase
/** Straight to the server, as who may do everything: to look. */
let observer: Database<Plain>

beforeAll(async () => {
  if (programs.length === 0) return
  home = await withDatabase()
  observer = createDatabase({ name: 'observer', url: home.adminUrl })
  await observer.db.execute(sql`create table pair (n int, side text); grant all on pair to public`)
})
afterAll(() => observer?.close())

/** The layer behind a PgBouncer. */
interface World extends AsyncDisposable {
  readonly pooler: PgBouncer
  readonly database: Database<Plain>
  readonly events: DatabaseEvent[]
  /** How the pooler was reported. */
  sightings(): (string | undefined)[]
}

async function createWorld(
  program: PgBouncerProgram,
  settings: Settings,
  options: Partial<DatabaseOptions<Plain>> = {},
): Promise<World> {
  const pooler = await startPgBouncer({ program, urls: [home.appUrl], settings })
  const events: DatabaseEvent[] = []
  const database = createDatabase({
    name: 'pooled',
    url: pooler.url(home.appUrl),
    onEvent: (event) => events.push(event),
    ...options,
  })
  return {
    pooler,
    database,
    events,
    sightings: () => events.filter(({ type }) => type === 'pooler-detected').map(({ detail }) => detail),
    async [Symbol.asyncDispose]() {
      await database.close({ timeoutMs: 500 })
      await pooler[Symbol.asyncDispose]()
    },
  }
}

/** Every way to use a database, in turn: `n` says which, and comes back in the rows. */
async function askInTurn({ db, use, within }: Database<Plain>, n: number): Promise<void> {
  const select = () =>
    firstRow<{ n: number }>(db.execute(sql`select ${n}::int as n, ${`${n}`}::text as text`))
  const expectMine = (row: { n: number }) => {
    if (row.n !== n) throw new Error(`asked for ${n}, got ${row.n}`)
  }
  switch (n % 5) {
    case 0:
      return db.transaction(async (tx) => {
        await tx.execute(sql`insert into pair values (${n}, 'left')`)
        await tx.execute(sql`insert into pair values (${n}, 'right')`)
      })
    case 1:
      return expectMine(await use(({ db }) => firstRow(db.execute(sql`select ${n}::int as n`))))
    case 2:
      try {
        const nap = (n % 30) / 1_000
        return await within({ timeoutMs: 5 + (n % 40) }, async () =>
          expectMine(await firstRow(db.execute(sql`select ${n}::int as n, pg_sleep(${nap}::float8)`))),
        )
      } catch (error) {
        // Its time, wherever it was spent.
        if (!(findDatabaseError(error) as { deadline?: unknown } | undefined)?.deadline) throw error
        return
      }
    case 3:
      // Its own error, which must reach nobody else.
      return Promise.resolve(db.execute(sql`select ${n}::int / 0`)).then(
        () => Promise.reject(new Error('divided by zero')),
        (error: unknown) => (sqlState(error) === '22012' ? undefined : Promise.reject(error)),
      )
    default:
      return expectMine(await select())
  }
}

/** Lets 64 callers ask `total` times in all, and says what became of it. */
async function askMuch(database: Database<Plain>, total: number) {
  await observer.db.execute(sql`truncate pair`)
  const failures: unknown[] = []
  let asked = 0
  let settled = 0
  const caller = async () => {
    while (asked < total) {
      await askInTurn(database, asked++).catch((error: unknown) => failures.push(error))
      settled++
    }
  }
  await Promise.all(Array.from({ length: 64 }, caller))
  const pairs = await firstRow(
    observer.db.execute(
      sql`select count(*)::int as whole from (select n from pair group by n having count(*) = 2) as pairs`,
    ),
  )
  return { settled, failures, pairs, waiting: database.status().waiting }
}

if (programs.length === 0) {
  test('there is no PgBouncer here, so nothing was tested behind one (Debian: apt-get install pgbouncer)', () => {
    expect(programs).toEqual([])
  })
} else if (tracking.length === 0) {
  test('there is no PgBouncer from 1.21 on, so nothing was tested behind one that tracks prepared statements', () => {
    expect(programs.map(({ version }) => version)).toEqual(expect.any(Array))
  })
}

describe.each(programs)('behind PgBouncer $version, which does not track prepared statements,', (program) => {
  const untracked = untrackedBy(program)

  test(
    'with defaults on both sides every statement settles with its own rows or its own error',
    async () => {
      await using world = await createWorld(program, untracked)
      expect(await askMuch(world.database, 10_000)).toEqual({
        settled: 10_000,
        failures: [],
        pairs: { whole: 2_000 },
        waiting: 0,
      })
      expect({ pooler: world.database.pooler, sightings: world.sightings() }).toEqual({
        pooler: { preparedStatements: false },
        sightings: ['statements are sent unprepared: it does not keep track of prepared ones'],
      })
      // None was replaced: that is what they would be for plans that are not there.
      expect(world.database.status().counters.closes.replaced).toBe(0)
    },
    mostMs,
  )

  test('finding that out leaves nothing behind on the server', async () => {
    await using world = await createWorld(program, { ...untracked, default_pool_size: '1' })
    const { db } = world.database
    await Promise.all(Array.from({ length: 20 }, (_, n) => db.execute(sql`select ${n}::int`)))
    expect(await firstRow(db.execute(sql`select count(*)::int as left from pg_prepared_statements`))).toEqual(
      {
        left: 0,
      },
    )
  })

  test('prepare false asks nothing and is reported as what it is', async () => {
    await using world = await createWorld(program, untracked, { connection: { prepare: false } })
    await world.database.connect()
    expect({ pooler: world.database.pooler, sightings: world.sightings() }).toEqual({
      pooler: { preparedStatements: false },
      sightings: ['statements are sent unprepared: prepare is off'],
    })
  })

  test('in session mode statements are unprepared too, and session state lives as long as use()', async () => {
    await using world = await createWorld(program, { ...untracked, pool_mode: 'session' })
    const { database } = world
    const rows = await database.use(async ({ db }) => {
      await db.execute(sql`set app.mark = 'here'`)
      return firstRow(db.execute(sql`select current_setting('app.mark') as mark, ${1}::int as n`))
    })
    expect({ rows, pooler: database.pooler }).toEqual({
      rows: { mark: 'here', n: 1 },
      pooler: { preparedStatements: false },
    })
  })

  test('use() costs no connection, and leaves what the login has set', async () => {
    await using world = await createWorld(
      program,
      { ...untracked, default_pool_size: '1' },
      { pool: { poolSize: 1, maxOverflow: 0 } },
    )
    const { database } = world
    const ask = async (db: Database<Plain>['db']) =>
      firstRow(
        db.execute(
          sql`select current_setting('application_name') as name, current_setting('client_encoding') as encoding`,
        ),
      )
    const rows = [
      await database.use(({ db }) => ask(db)),
      await ask(database.db),
      await database.use(({ db }) => ask(db)),
    ]
    const asAtLogin = { name: 'pooled', encoding: 'UTF8' }
    expect({ rows, connects: database.status().counters.connects }).toEqual({
      rows: [asAtLogin, asAtLogin, asAtLogin],
      connects: 1,
    })
  })

  test('a setting that it refuses at login is named at once, with what to do', async () => {
    await using world = await createWorld(program, untracked, { connection: { statementTimeoutMs: 5_000 } })
    const error = await world.database.connect().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({
      sqlState: '08P01',
      retryable: false,
      message: expect.stringMatching(
        /setting statement_timeout \(statementTimeoutMs.*ignore_startup_parameters/,
      ),
    })
  })
})

const setups: { title: string; program: PgBouncerProgram; settings: Settings }[] = [
  ...programs.map((program) => ({
    title: `${program.version}, untracked`,
    program,
    settings: untrackedBy(program),
  })),
  ...tracking.map((program) => ({ title: `${program.version}, tracked`, program, settings: tracked })),
]

describe.each(setups)('a PgBouncer ($title)', ({ program, settings }) => {
  /** Callers at work, once the pooler has all of its connections to the server: it does not like to be disturbed before. */
  async function startWork({ database, pooler }: World) {
    const callers = startCallers(64, (n) => askInTurn(database, n))
    await eventually(
      async () => {
        const [pool] = (await pooler.console('SHOW POOLS')).filter((row) => row.database === home.name)
        if (!pool || Number(pool.sv_login) > 0) return false
        const servers = ['sv_active', 'sv_idle', 'sv_used'].map((name) => Number(pool[name]))
        return servers.reduce((sum, some) => sum + some) >= 5
      },
      { timeoutMs: 30_000 },
    )
    return callers
  }

  test.each([
    {
      what: 'is killed and started again',
      during: async (pooler: PgBouncer) => pooler.restart(),
      isLossy: true,
    },
    {
      what: 'pauses for three seconds',
      during: async (pooler: PgBouncer) => {
        await pooler.console('PAUSE')
        await sleep(3_000)
        await pooler.console('RESUME')
      },
      isLossy: false,
    },
    {
      what: 'is frozen for three seconds',
      during: async (pooler: PgBouncer) => {
        pooler.freeze()
        await sleep(3_000)
        pooler.thaw()
      },
      isLossy: false,
    },
  ])(
    'that $what serves everybody again, and nothing hangs',
    async ({ during, isLossy }) => {
      await using world = await createWorld(program, { ...settings, default_pool_size: '5' })
      const callers = await startWork(world)
      await during(world.pooler)
      callers.mark()
      await eventually(() => callers.unserved === 0)
      await callers.stop()
      const failedAfter = callers.failures.filter(({ marks }) => marks > 0)
      expect({ asking: callers.asking, failedAfter }).toEqual({ asking: 0, failedAfter: [] })
      for (const kind of Object.keys(kindsOf(callers))) expect(isLossy ? kind : '').toMatch(/^lost, /)
    },
    mostMs,
  )

  test('that is frozen holds up close() for no longer than its deadline', async () => {
    await using world = await createWorld(program, settings)
    const { database, pooler } = world
    await database.connect()
    pooler.freeze()
    const work = [
      database.db.execute(sql`select ${1}::int`),
      database.db.transaction((tx) => tx.execute(sql`select ${2}::int`)),
      database.use(({ db }) => db.execute(sql`select ${3}::int`)),
    ]
    const outcomes = Promise.allSettled(work)
    await database.close({ timeoutMs: 200 })
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    pooler.thaw()
  })
})

describe.each(tracking)('behind PgBouncer $version, which tracks prepared statements,', (program) => {
  test(
    'they are sent prepared, and each one settles with its own rows or its own error',
    async () => {
      await using world = await createWorld(program, tracked)
      expect(await askMuch(world.database, 3_000)).toEqual({
        settled: 3_000,
        failures: [],
        pairs: { whole: 600 },
        waiting: 0,
      })
      const { database } = world
      const mine = sql`select count(*)::int > 0 as is from pg_prepared_statements where name like 'PGBOUNCER_%'`
      expect({
        prepared: await firstRow(database.db.execute(mine)),
        pooler: database.pooler,
        sightings: world.sightings(),
        closes: database.status().counters.closes.replaced,
      }).toEqual({
        prepared: { is: true },
        pooler: { preparedStatements: true },
        sightings: ['statements are sent prepared: it keeps track of them'],
        closes: 0,
      })
    },
    mostMs,
  )

  test('no single statement fails when it stops to track them, and none is prepared from then on', async () => {
    await using world = await createWorld(program, tracked)
    const { database, pooler } = world
    const callers = startCallers(64, async (n) => {
      const row = await firstRow<{ n: number }>(database.db.execute(sql`select ${n}::int as n`))
      if (row.n !== n) throw new Error(`asked for ${n}, got ${row.n}`)
    })
    await eventually(() => callers.answered > 300)
    await pooler.reload({ max_prepared_statements: '0' })
    await eventually(() => world.sightings().length === 2)
    callers.mark()
    await eventually(() => callers.unserved === 0)
    await callers.stop()
    expect({ failures: callers.failures, pooler: database.pooler, sightings: world.sightings() }).toEqual({
      failures: [],
      pooler: { preparedStatements: false },
      sightings: [
        'statements are sent prepared: it keeps track of them',
        'statements are sent unprepared: it does not keep track of prepared ones',
      ],
    })
  })
})

test.skipIf(programs.length === 0)('a server without a pooler before it is not taken for one', async () => {
  const database = createDatabase({ name: 'direct', url: home.appUrl, pool: { poolSize: 1, maxOverflow: 0 } })
  await database.db.execute(sql`select ${1}::int`)
  const prepared = await firstRow(
    database.db.execute(sql`select count(*)::int as n from pg_prepared_statements`),
  )
  const { pooler } = database
  await database.close()
  expect({ pooler, prepared }).toEqual({ pooler: null, prepared: { n: 1 } })
})
