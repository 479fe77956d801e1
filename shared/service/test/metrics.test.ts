import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type Database } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createServiceApp, type ServiceApp } from '../src/index.ts'
import { readMetrics } from './read-metrics.ts'

type Plain = Database<Record<string, never>>

let postgres: TestDatabase
let observer: Plain
beforeAll(async () => {
  postgres = await withDatabase()
  observer = createDatabase({ name: 'metrics observer', url: postgres.adminUrl })
}, 60_000)
afterAll(async () => {
  await observer.close({ timeoutMs: 0 })
  await postgres.drop()
})

/** A service whose only route runs a statement that ends when the lock is free, and whose pool runs nothing by itself. */
function open(name: string) {
  const database = createDatabase({
    name,
    url: postgres.appUrl,
    pool: { poolSize: 2, maxOverflow: 1, sharedDepth: 1 },
    connection: { definitionsCheckMs: 0 },
  })
  const app = createServiceApp({ service: name, version: '1', database, health: { details: 'always' } })
  app.get('/locked', async (c) => {
    await database.db.execute(sql`select pg_advisory_xact_lock_shared(4712)`)
    return c.json({})
  })
  return { database, app }
}

async function scrape(app: ServiceApp) {
  return readMetrics(await (await app.request('/metrics')).text())
}

/** The service's backends as the server has them, its health probe's apart. */
async function backends(name: string) {
  return (await observer.db.execute(
    sql`select pid, state, query_start::text, state_change::text from pg_stat_activity
        where datname = current_database() and application_name = ${name} order by pid`,
  )) as unknown as { pid: number; state: string }[]
}

test('under load the metrics agree with the server and the details', async () => {
  const { database, app } = open('loaded')
  const release = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const holder = observer.use(async ({ db }) => {
    await db.execute(sql`select pg_advisory_lock(4712)`)
    locked.resolve()
    await release.promise
  })
  await locked.promise
  const requests = Array.from({ length: 8 }, () => Promise.resolve(app.request('/locked')))
  await eventually(() => database.status().checkedOut === 3 && database.status().waiting === 5)
  const waiting = sql`select 1 from pg_stat_activity
    where datname = current_database() and application_name = 'loaded' and wait_event_type = 'Lock'`
  await eventually(async () => (await observer.db.execute(waiting)).length === 3)

  const during = await scrape(app)
  const details = (await (await app.request('/health/detailed')).json()) as {
    pool: Record<string, number>
    statements: { text: string; waitEvent: string }[]
  }
  expect({
    used: during.value('db_client_connection_count', { db_client_connection_state: 'used' }),
    idle: during.value('db_client_connection_count', { db_client_connection_state: 'idle' }),
    waiting: during.value('db_client_connection_pending_requests'),
    overflow: during.value('db_client_connection_overflow'),
    checkouts: during.value('db_client_connection_checkouts_total'),
  }).toEqual({ used: 3, idle: 0, waiting: 5, overflow: 1, checkouts: 3 })
  expect(details.pool).toMatchObject({ checkedOut: 3, idle: 0, waiting: 5, overflow: 1 })
  expect(details.statements.map(({ text, waitEvent }) => `${waitEvent} ${text}`)).toEqual(
    new Array(3).fill('Lock/advisory select pg_advisory_xact_lock_shared(?)'),
  )

  release.resolve()
  await holder
  expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(new Array(8).fill(200))
  const after = await scrape(app)
  const { counters } = database.status()
  const histogram = (kind: string) => ({
    count: after.value(`db_client_connection_${kind}_time_seconds_count`),
    all: after.value(`db_client_connection_${kind}_time_seconds_bucket`, { le: '+Inf' }),
  })
  expect({ wait: histogram('wait'), use: histogram('use'), create: histogram('create') }).toEqual({
    wait: { count: 8, all: 8 },
    use: { count: 8, all: 8 },
    create: { count: 3, all: 3 },
  })
  const waited = after.value('db_client_connection_wait_time_seconds_sum') ?? 0
  expect(waited).toBe(database.timings().waitMs.sumMs / 1_000)
  // That counter's clock stops a moment later, when the caller goes on.
  expect(waited).toBeGreaterThan(0)
  expect(waited).toBeLessThanOrEqual(counters.waitMs / 1_000)
  expect(after.value('db_client_connection_waits_total')).toBe(counters.waits)
  expect(after.value('http_requests_total', { route: '/locked', status: '200' })).toBe(8)
  expect(after.value('http_request_duration_seconds_count', { route: '/locked' })).toBe(8)
  await database.close()
}, 60_000)

test('a scrape makes no backend run anything', async () => {
  const { database, app } = open('scraped')
  await Promise.all([database.connect(), database.connect(), app.request('/health/detailed')])
  const all = async () => [await backends('scraped'), await backends('scraped health')]
  await eventually(async () => (await all()).flat().every(({ state }) => state === 'idle'))
  const [before, counters] = [await all(), database.status().counters]
  expect(before.map(({ length }) => length)).toEqual([2, 1])
  for (let i = 0; i < 100; i++) await scrape(app)
  expect(await all()).toEqual(before)
  expect(database.status().counters).toEqual(counters)
  // Otherwise that would prove nothing.
  await database.ping()
  await eventually(async () => !Bun.deepEquals(await all(), before))
  await database.close()
}, 60_000)
