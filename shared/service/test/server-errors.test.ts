import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type Database } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { createServiceApp, type ServiceApp } from '../src/index.ts'

type Plain = Record<string, never>
type Transaction = Parameters<Parameters<Database<Plain>['db']['transaction']>[0]>[0]
type Work = (tx: Transaction) => Promise<unknown>

const raise = (state: string) => `do $$ begin raise exception 'canary' using errcode = '${state}'; end $$`

/** An error of the server by route, and what the client receives: status, code, Retry-After. */
const answers: Record<string, { work: Work; answer: [number, string, string | null] }> = {
  'a write on a read-only server (25006)': {
    work: async (tx) => {
      await tx.execute('set transaction read only')
      await tx.execute('create table nowhere (n int)')
    },
    answer: [503, 'database-unavailable', '2'],
  },
  'a full disk (53100)': {
    work: async (tx) => tx.execute(raise('53100')),
    answer: [503, 'database-busy', '1'],
  },
  'no memory left (53200)': {
    work: async (tx) => tx.execute(raise('53200')),
    answer: [503, 'database-busy', '1'],
  },
  'a lock that does not come (55P03)': {
    work: async (tx) => {
      await tx.execute('set local lock_timeout = 20')
      await tx.execute('select pg_advisory_xact_lock(77)')
    },
    answer: [503, 'concurrent-change', '1'],
  },
  'a statement over the time of the server (57014)': {
    work: async (tx) => {
      await tx.execute('set local statement_timeout = 20')
      await tx.execute('select pg_sleep(60)')
    },
    answer: [504, 'database-timeout', null],
  },
  'a transaction that was idle for too long (25P03)': {
    work: async (tx) => {
      await tx.execute('set local idle_in_transaction_session_timeout = 20')
      await eventually(() => database.status().counters.closes.lost > 0)
      await tx.execute('select 1')
    },
    answer: [503, 'database-unavailable', '2'],
  },
}

let postgres: TestDatabase
let database: Database<Plain>
let app: ServiceApp

beforeAll(async () => {
  postgres = await withDatabase()
  database = createDatabase({
    name: 'failing',
    url: postgres.appUrl,
    pool: { poolSize: 2, maxOverflow: 0 },
  })
  app = createServiceApp({ service: 'failing', version: '1', database })
  app.get('/fine', async (c) => c.json(await database.db.execute('select 1 as n')))
  for (const [index, { work }] of Object.values(answers).entries())
    app.get(`/${index}`, async (c) => c.json(await database.db.transaction(work)))
})
afterAll(async () => {
  await database.close()
  await postgres.drop()
})

test.each(Object.entries(answers))(
  '%s is a problem that a client can act on, and the next request is served',
  async (name, { answer }) => {
    const holder = createDatabase({ name: 'holder', url: postgres.appUrl })
    const response = await holder.use(async ({ db }) => {
      await db.execute('select pg_advisory_lock(77)')
      return app.request(`/${Object.keys(answers).indexOf(name)}`)
    })
    await holder.close()
    const body = await response.text()
    const problem = JSON.parse(body)
    expect([response.status, problem.code, response.headers.get('Retry-After')]).toEqual(answer)
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    expect(body).not.toContain('canary')
    const next = await app.request('/fine')
    expect({ status: next.status, body: await next.json() }).toEqual({ status: 200, body: [{ n: 1 }] })
    await eventually(() => database.status().checkedOut === 0)
    expect(database.status()).toMatchObject({ waiting: 0, counters: { timeouts: 0, saturations: 0 } })
  },
  60_000,
)
