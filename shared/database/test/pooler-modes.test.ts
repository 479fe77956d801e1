import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { connect, createServer, type Socket } from 'node:net'
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
import { createDatabase, type Database, findDatabaseError, migrate, PoolerModeError } from '../src/index.ts'
import { startCallers } from './callers.ts'
import { folderOf } from './migrations-folder.ts'
import { firstRow, unansweredCancels } from './support.ts'

setDefaultTimeout(120_000)

type Plain = Record<string, never>
type Settings = Readonly<Record<string, string>>

const programs = pgBouncerPrograms()
const session: Settings = { pool_mode: 'session' }
const transaction: Settings = { pool_mode: 'transaction' }
const single = { pool: { poolSize: 1, maxOverflow: 0 } }
const create = { when: 1_000, text: 'create table things (a int)' }

let home: TestDatabase
/** Straight to the server, as who may do everything: to look. */
let observer: Database<Plain>

beforeAll(async () => {
  if (programs.length === 0) return
  home = await withDatabase()
  observer = lookAt(home.adminUrl)
})
afterAll(() => observer?.close())

/** A handle that holds no lock of its own. */
function lookAt(url: string): Database<Plain> {
  return createDatabase({ name: 'observer', url, connection: { definitionsCheckMs: 0 } })
}

/** What sessions of the database hold that outlasts a transaction. */
async function advisoryLocks(database = observer): Promise<number> {
  const { held } = await firstRow<{ held: number }>(
    database.db.execute(
      sql`select count(*)::int as held from pg_locks where locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`,
    ),
  )
  return held
}

interface World extends AsyncDisposable {
  readonly pooler: PgBouncer
  readonly database: Database<Plain>
}

async function createWorld(
  program: PgBouncerProgram,
  settings: Settings,
  options: Partial<Parameters<typeof createDatabase<Plain>>[0]> = {},
): Promise<World> {
  const pooler = await startPgBouncer({ program, urls: [home.appUrl, home.migratorUrl], settings })
  const database = createDatabase({ name: 'pooled', url: pooler.url(home.appUrl), ...options })
  return {
    pooler,
    database,
    async [Symbol.asyncDispose]() {
      await database.close({ timeoutMs: 500 })
      await pooler[Symbol.asyncDispose]()
    },
  }
}

/** An address that leads to each of several in turn. */
async function startBalancer(targets: readonly { host: string; port: number }[]) {
  const sockets = new Set<Socket>()
  let next = 0
  const server = createServer((client) => {
    const target = connect(targets[next++ % targets.length] as { host: string; port: number })
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}).on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: (target: string) => Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const keepsSession = (database: Database<Plain>) => database.use(({ keepsSession }) => keepsSession())

describe.each(programs)('behind PgBouncer $version', (program) => {
  describe('keepsSession()', () => {
    test.each([
      ['in transaction mode', transaction],
      ['… that takes the connection of the server’s that waited longest', { server_round_robin: '1' }],
      ['… with one connection to the server', { default_pool_size: '1' }],
    ])('is false %s, and leaves nothing behind', async (_, settings) => {
      await using world = await createWorld(program, { ...transaction, ...settings })
      const { db } = world.database
      const atOnce = (n: number) =>
        Promise.all(
          Array.from({ length: n }, () => db.execute(sql`select pg_listening_channels(), pg_sleep(0.02)`)),
        )
      await atOnce(5)
      const kept = []
      for (let n = 0; n < 3; n++) kept.push(await keepsSession(world.database))
      const listening = (await atOnce(10)).flatMap((rows) => [...rows])
      expect({ kept, listening }).toEqual({ kept: [false, false, false], listening: [] })
    })

    test('is false in transaction mode while others are at work', async () => {
      await using world = await createWorld(program, { ...transaction, default_pool_size: '4' })
      const { database } = world
      const callers = startCallers(8, (n) => database.db.execute(sql`select ${n}::int`))
      await eventually(() => callers.answered > 50)
      const kept = await Promise.all(Array.from({ length: 4 }, () => keepsSession(database)))
      await callers.stop()
      expect({ kept, failures: callers.failures }).toEqual({
        kept: [false, false, false, false],
        failures: [],
      })
    })

    test('is false behind two poolers in transaction mode, though each gives its only client the same session', async () => {
      await using first = await startPgBouncer({ program, urls: [home.appUrl] })
      await using second = await startPgBouncer({ program, urls: [home.appUrl] })
      using balancer = await startBalancer([first, second])
      const database = createDatabase({ name: 'balanced', url: balancer.url(home.appUrl) })
      const kept = await keepsSession(database)
      await database.close()
      expect(kept).toBe(false)
    })

    test('is true in session mode, also for connections that are asked at once', async () => {
      await using world = await createWorld(program, session)
      const kept = await Promise.all(Array.from({ length: 3 }, () => keepsSession(world.database)))
      expect(kept).toEqual([true, true, true])
    })
  })

  describe('migrate()', () => {
    test('is refused in transaction mode, says where to go instead, and leaves nothing behind', async () => {
      await using world = await createWorld(program, transaction)
      using migrations = folderOf(create)
      const url = world.pooler.url(home.migratorUrl)
      const error = await migrate({ url, migrationsFolder: migrations.folder }).catch((thrown) => thrown)
      const { code, message } = error
      expect({ isTyped: error instanceof PoolerModeError, code, message }).toEqual({
        isTyped: true,
        code: 'POOLER_MODE',
        message: expect.stringMatching(/pool_mode = transaction.*DATABASE_DIRECT_URL.*pool_mode = session/),
      })
      const left = await firstRow<{ things: null; journal: null }>(
        observer.db.execute(
          sql`select to_regclass('things') as things, to_regclass('drizzle.__drizzle_migrations') as journal`,
        ),
      )
      expect({ ...left, locks: await advisoryLocks() }).toEqual({ things: null, journal: null, locks: 0 })
    })

    test('is refused with the reason where the mode can not be found out', async () => {
      await using world = await createWorld(program, { ...session, default_pool_size: '1' })
      using migrations = folderOf(create)
      const url = world.pooler.url(home.migratorUrl)
      const error = await migrate({ url, migrationsFolder: migrations.folder }).catch((thrown) => thrown)
      expect(error).toMatchObject({
        code: 'POOLER_MODE',
        message: expect.stringContaining('could not be found out'),
        cause: { code: 'CONNECT_FAILED' },
      })
    })

    test('works in session mode, also several at once, and gives its lock back', async () => {
      await using place = await withDatabase()
      await using pooler = await startPgBouncer({ program, urls: [place.migratorUrl], settings: session })
      using migrations = folderOf(create)
      const url = pooler.url(place.migratorUrl)
      const runs = await Promise.all(
        Array.from({ length: 4 }, () => migrate({ url, migrationsFolder: migrations.folder })),
      )
      const look = lookAt(place.adminUrl)
      const locks = await advisoryLocks(look)
      await look.close()
      expect({ applied: runs.map(({ applied }) => applied).sort(), locks }).toEqual({
        applied: [0, 0, 0, 1],
        locks: 0,
      })
    })
  })

  describe.each([
    ['transaction', transaction],
    ['session', session],
  ])('in %s mode', (mode, settings) => {
    test('a service holds no lock of a session and listens to nothing, however often it looks for changes', async () => {
      await using world = await createWorld(program, settings, { connection: { definitionsCheckMs: 20 } })
      const { database } = world
      const insert = (n: number) => database.db.execute(sql`select ${n}::int`)
      await insert(1)
      // A direct one shows that the question finds what it asks for.
      const direct = createDatabase({
        name: 'direct',
        url: home.appUrl,
        connection: { definitionsCheckMs: 20 },
      })
      await direct.db.execute(sql`select ${1}::int`)
      await eventually(async () => (await advisoryLocks()) === 1)
      await direct.close()
      await eventually(async () => (await advisoryLocks()) === 0)
      // It looks: a change is noticed.
      await observer.db.execute(sql.raw(`create domain noticed_${mode}_${program.tracks} as text`))
      await eventually(() => database.eventCounts()['definitions-changed'] > 0)
      await insert(2)
      expect({ locks: await advisoryLocks(), held: database.eventCounts()['plans-held'] }).toEqual({
        locks: 0,
        held: 0,
      })
    })

    test('the process that use() names is none of the server’s', async () => {
      await using world = await createWorld(program, settings)
      const { named, real } = await world.database.use(async ({ db, pid }) => ({
        named: pid,
        real: (await firstRow<{ pid: number }>(db.execute(sql`select pg_backend_pid() as pid`))).pid,
      }))
      const found = await firstRow<{ backends: number; by_its_name: boolean }>(
        observer.db.execute(
          sql`select count(*)::int as backends, bool_and(application_name = 'pooled') as by_its_name
              from pg_stat_activity where pid in (${named}::bigint, ${real}::bigint)`,
        ),
      )
      expect({ differs: named !== real, ...found }).toEqual({ differs: true, backends: 1, by_its_name: true })
    })

    test('a statement that is given up ends on the server, and its neighbours on that connection do not', async () => {
      // One connection to the server in transaction mode: whatever is cancelled late hits a neighbour.
      const narrow: Settings = mode === 'transaction' ? { default_pool_size: '1' } : {}
      await using world = await createWorld(program, { ...settings, ...narrow }, single)
      const neighbour = createDatabase({ name: 'neighbour', url: world.pooler.url(home.appUrl) })
      const running = async () =>
        (
          await firstRow<{ n: number }>(
            observer.db.execute(
              sql`select count(*)::int as n from pg_stat_activity where state = 'active' and query like '%/* audited */%'
                  and pid <> pg_backend_pid()`,
            ),
          )
        ).n
      const process = async (database: Database<Plain>, n: number) =>
        firstRow<{ n: number; pid: number }>(
          database.db.execute(sql`select ${n}::int as n, pg_backend_pid() as pid, pg_sleep(0.005)`),
        )
      const before = await process(world.database, 0)
      const rounds = []
      for (let round = 0; round < 6; round++) {
        const giveUp = new AbortController()
        const slow = world.database
          .within({ signal: giveUp.signal }, async () => {
            await world.database.db.execute(sql`select pg_sleep(60), ${round}::int /* audited */`)
          })
          .catch((error: unknown) => findDatabaseError(error)?.code)
        await eventually(async () => (await running()) === 1)
        const neighbours = Promise.all(Array.from({ length: 6 }, (_, n) => process(neighbour, n)))
        giveUp.abort()
        const code = await slow
        const answers = await neighbours
        rounds.push({ code, answers: answers.map(({ n }) => n) })
        await eventually(async () => (await running()) === 0)
        if (mode === 'transaction' && unansweredCancels(world.database) === 0)
          expect(answers.map(({ pid }) => pid)).toEqual(answers.map(() => before.pid))
      }
      const after = await process(world.database, 0)
      await neighbour.close()
      const kept = after.pid === before.pid || unansweredCancels(world.database) > 0
      expect({ rounds, kept }).toEqual({
        rounds: Array.from({ length: 6 }, () => ({
          code: 'WORK_ABORTED',
          answers: [0, 1, 2, 3, 4, 5],
        })),
        kept: true,
      })
    })
  })

  test('in session mode use() keeps all state of its session, and the next one finds none of it', async () => {
    await using world = await createWorld(program, session, single)
    const { database } = world
    const state = sql`select pg_backend_pid() as pid, current_setting('app.mark', true) as mark,
      (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
      (select count(*)::int from pg_prepared_statements) as prepared,
      (select count(*)::int from pg_listening_channels()) as channels`
    type State = { pid: number; mark: string; locks: number; prepared: number; channels: number }
    const inside = await database.use(async ({ db }) => {
      await db.execute(sql`set app.mark = 'here'`)
      await db.execute(sql`select pg_advisory_lock(4711)`)
      await db.execute(sql`prepare own as select 1`)
      await db.execute(sql`listen news`)
      return firstRow<State>(db.execute(state))
    })
    const afterwards = await database.use(({ db }) => firstRow<State>(db.execute(state)))
    const { pid } = inside
    expect({ inside, afterwards }).toEqual({
      inside: { pid, mark: 'here', locks: 1, prepared: 1, channels: 1 },
      afterwards: { pid, mark: '', locks: 0, prepared: 0, channels: 0 },
    })
  })
})

test('without a pooler keepsSession() is true, and asks nothing', async () => {
  await using place = await withDatabase()
  const database = createDatabase({ name: 'direct', url: place.appUrl })
  const [kept, open] = await database.use(async ({ db, keepsSession }) => [
    await keepsSession(),
    await firstRow<{ n: number }>(
      db.execute(
        sql`select count(*)::int as n from pg_stat_activity where application_name = 'direct health'`,
      ),
    ),
  ])
  await database.close()
  expect({ kept, open }).toEqual({ kept: true, open: { n: 0 } })
})
