import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pgBouncerPrograms, startPgBouncer, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, ConnectError, createDatabase, type GivenConnection } from '../src/index.ts'
import { firstRow } from './support.ts'

let place: TestDatabase
beforeAll(async () => {
  place = await withDatabase()
})
afterAll(() => place.drop())

function open(connection: GivenConnection, query = '') {
  const database = createDatabase({
    name: 'settings',
    url: place.ownerUrl + query,
    pool: { poolSize: 2, maxOverflow: 0 },
    connection,
  })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

const shown = sql`
  select current_setting('timezone') as "timeZone", current_setting('search_path') as path,
    current_setting('plan_cache_mode') as plans, current_setting('app.tenant', true) as tenant,
    current_setting('application_name') as name`
const settings = {
  TimeZone: 'Asia/Tokyo',
  search_path: 'app, "Öffentlich"',
  plan_cache_mode: 'force_custom_plan',
  'app.tenant': "a\\b'c",
}
const begun = {
  timeZone: 'Asia/Tokyo',
  path: 'app, "Öffentlich"',
  plans: 'force_custom_plan',
  tenant: "a\\b'c",
  name: 'settings',
}

describe('connection.settings', () => {
  test('are what each session begins with', async () => {
    await using database = open({ settings })
    const rows = await Promise.all([
      firstRow(database.db.execute(shown)),
      database.use(({ db }) => firstRow(db.execute(shown))),
      database.reads.transaction((tx) => firstRow(tx.execute(shown))),
    ])
    expect(rows).toEqual([begun, begun, begun])
    const health = await database.observe((connection) => connection.run('show timezone', [], true))
    expect(Array.from(health)).toEqual([['Asia/Tokyo']])
  })

  test.each([
    'reset all',
    'discard all',
    `reset timezone; reset search_path`,
    `set search_path = x; set timezone = 'UTC'; set app.tenant = 'other'; set plan_cache_mode = auto`,
  ])('are there again after %p', async (text) => {
    await using database = open({ settings })
    const pid = await database.use(async ({ db, pid }) => {
      await db.execute(sql.raw(text))
      return pid
    })
    const after = await database.use(async ({ db, pid }) => ({ pid, row: await firstRow(db.execute(shown)) }))
    expect(after.row).toEqual(begun)
    // With DISCARD ALL the connection goes, as its prepared statements do.
    if (text !== 'discard all') expect(after.pid).toBe(pid)
  })

  test('name the application, but not the connection for health', async () => {
    await using database = open({ settings: { application_name: 'mine' } })
    expect(await firstRow(database.db.execute(shown))).toMatchObject({ name: 'mine' })
    const health = await database.observe((connection) => connection.run('show application_name', [], true))
    expect(Array.from(health)).toEqual([['settings health']])
  })

  test('are sent to standbys of a URL of their own too', async () => {
    const database = createDatabase({
      name: 'settings',
      url: place.ownerUrl,
      replicas: { url: `${place.ownerUrl}?search_path=other` },
      connection: { settings: { timezone: 'Asia/Tokyo' } },
    })
    await database.close()
    const contradicting = () =>
      createDatabase({
        name: 'settings',
        url: place.ownerUrl,
        replicas: { url: `${place.ownerUrl}?search_path=other` },
        connection: { settings: { search_path: 'app' } },
      })
    expect(contradicting).toThrow('connection.settings.search_path and search_path of the database URL')
  })

  const refusals: [given: GivenConnection, query: string, message: string][] = [
    [
      { settings: { DateStyle: 'German' } },
      '',
      "The setting DateStyle can't be set (connection.settings.DateStyle)",
    ],
    [{ settings: { client_encoding: 'LATIN1' } }, '', "client_encoding can't be set"],
    [{ settings: { bytea_output: 'escape' } }, '', "bytea_output can't be set"],
    [{ settings: { standard_conforming_strings: 'off' } }, '', "standard_conforming_strings can't be set"],
    [{ settings: { array_nulls: 'off' } }, '', "array_nulls can't be set"],
    [{ settings: { replication: 'true' } }, '', "replication can't be set"],
    [{ settings: { '_pq_.x': '1' } }, '', 'a word of the protocol'],
    [{ settings: { user: 'postgres' } }, '', "user can't be set"],
    [{ options: '-c datestyle=German' }, '', '-c datestyle of connection.options'],
    [{}, '?datestyle=German', 'datestyle of the database URL'],
    [{ settings: { 'a b': '1' } }, '', 'has a name that is none of a setting: "a b"'],
    [{ settings: { work_mem: 5 as never } }, '', 'connection.settings.work_mem must be text'],
    [{ settings: { work_mem: 'a\0b' } }, '', 'connection.settings.work_mem must be text'],
    [{ settings: 'UTC' as never }, '', 'connection.settings must be an object'],
    [{ settings: { 'app.x': 'x'.repeat(9_000) } }, '', 'must be 8192 bytes at most'],
    [
      { settings: { timezone: 'UTC', TimeZone: 'Asia/Tokyo' } },
      '',
      'timezone is given twice and differs: connection.settings.timezone and connection.settings.TimeZone',
    ],
    [
      { settings: { search_path: 'app' } },
      '?search_path=other',
      'connection.settings.search_path and search_path of the database URL',
    ],
    [
      { settings: { search_path: 'app' }, options: '-c work_mem=8MB --search-path=other' },
      '',
      'connection.settings.search_path and -c search_path of connection.options',
    ],
    [
      { settings: { search_path: 'app' } },
      '?options=-csearch_path%3Dother',
      'connection.settings.search_path and -c search_path of options of the database URL',
    ],
    [
      { settings: { application_name: 'a' }, applicationName: 'b' },
      '',
      'connection.settings.application_name and connection.applicationName',
    ],
    [
      { settings: { statement_timeout: '1s' }, statementTimeoutMs: 5_000 },
      '',
      'connection.settings.statement_timeout and connection.statementTimeoutMs',
    ],
    [
      { settings: { plan_cache_mode: 'auto' }, planCacheMode: 'force_custom_plan' },
      '',
      'connection.settings.plan_cache_mode and connection.planCacheMode',
    ],
    [
      { statementTimeoutMs: 5_000, options: '-c statement_timeout=1s' },
      '',
      'connection.statementTimeoutMs and -c statement_timeout of connection.options',
    ],
  ]
  test.each(refusals)('%p with %p are refused', (given, query, message) => {
    let thrown: unknown
    try {
      open(given, query)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ConfigurationError)
    expect((thrown as Error).message).toContain(message)
  })

  test('that are the same in two places are one', async () => {
    await using database = open(
      { settings: { search_path: 'app' }, options: '-c search_path=app' },
      '?search_path=app',
    )
    expect(await firstRow(database.db.execute(shown))).toMatchObject({ path: 'app' })
  })

  test.each([
    [{ timezone: 'Mars/Olympus' }, '22023'],
    [{ no_such_setting: '1' }, '42704'],
    [{ max_connections: '5' }, '55P02'],
    [{ log_statement: 'all' }, '42501'],
  ])('%p, which the server does not take, are named at once (%s)', async (refused, sqlState) => {
    await using database = open({ settings: refused })
    const error = await database.connect().catch((thrown: unknown) => thrown)
    const [name] = Object.keys(refused)
    expect(error).toBeInstanceOf(ConnectError)
    const { message } = error as ConnectError
    expect(message).toContain(`The server does not begin a session with ${name} of connection.settings`)
    expect(message).not.toContain('Mars')
    expect(error).toMatchObject({ sqlState, retryable: false })
  })
})

const poolers = pgBouncerPrograms().flatMap((program) =>
  ['session', 'transaction'].map((mode) => [program.version, mode, program] as const),
)

describe.each(poolers)('connection.settings behind PgBouncer %s in %s mode', (_version, mode, program) => {
  async function openBehind(connection: GivenConnection) {
    const pooler = await startPgBouncer({ program, urls: [place.ownerUrl], settings: { pool_mode: mode } })
    const database = createDatabase({
      name: 'settings',
      url: pooler.url(place.ownerUrl),
      pool: { poolSize: 1, maxOverflow: 0 },
      connection,
    })
    return {
      ...database,
      async [Symbol.asyncDispose]() {
        await database.close({ timeoutMs: 0 })
        await pooler[Symbol.asyncDispose]()
      },
    }
  }

  test('that it keeps for each client are what sessions begin with, also after a reset', async () => {
    await using database = await openBehind({ settings: { TimeZone: 'Asia/Tokyo' }, applicationName: "it's" })
    const asked = sql`select current_setting('timezone') as "timeZone", current_setting('application_name') as name`
    const seen = []
    for (const text of ['select 1', `set timezone = 'UTC'`, 'reset all', 'select 2']) {
      await database.use(({ db }) => db.transaction((tx) => tx.execute(sql.raw(text))))
      seen.push(await database.db.transaction((tx) => firstRow(tx.execute(asked))))
    }
    const begun = { timeZone: 'Asia/Tokyo', name: "it's" }
    expect(seen).toEqual([begun, begun, begun, begun])
    expect(database.status().counters.connects).toBe(1)
  })

  test('that it refuses are named with what gave them', async () => {
    await using database = await openBehind({ settings: { plan_cache_mode: 'force_custom_plan' } })
    const error = await database.connect().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      sqlState: '08P01',
      retryable: false,
      message: expect.stringMatching(
        /refuses the setting plan_cache_mode \(plan_cache_mode of connection\.settings.*alter role/,
      ),
    })
  })
})
