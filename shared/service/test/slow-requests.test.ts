import { afterEach, beforeEach, expect, test } from 'bun:test'
import { context, diag, metrics, propagation, trace } from '@opentelemetry/api'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { detailedHealthSchema } from '../src/api/health-schema.ts'
import type { RequestSpan } from '../src/context/request-spans.ts'
import { createSlowRequests, type SlowRequest } from '../src/context/slow-requests.ts'
import { createServiceApp, silentLogger } from '../src/index.ts'
import { startTelemetry } from '../src/trace/telemetry.ts'

const slowMs = 150
/** Longer than any request takes. */
const neverMs = 3_600_000
const traceId = 'a1'.repeat(16)
const ms = expect.any(Number)
const nothing = { statement: null, rows: null, outcome: null, code: null }

beforeEach(async () => {
  await startTelemetry('shop', {}, silentLogger())
})
afterEach(() => {
  for (const api of [trace, metrics, context, propagation, diag]) api.disable()
})

/** A service with one connection, on a database with one row; an idle connection is had without a question to it. */
async function openShop({ checkoutTimeoutMs = 60_000, slowFromMs = slowMs } = {}) {
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await withDatabase())
  const database = createDatabase({
    name: 'shop',
    url: postgres.appUrl,
    pool: { poolSize: 1, maxOverflow: 0, checkoutTimeoutMs, prePing: false },
  })
  stack.defer(() => database.close({ timeoutMs: 2_000 }))
  const owner = createDatabase({ name: 'owner', url: postgres.migratorUrl })
  stack.defer(() => owner.close({ timeoutMs: 2_000 }))
  await owner.db.execute(sql`create table stock (id int primary key, quantity int)`)
  await owner.db.execute(sql`grant select, update on stock to public`)
  await owner.db.execute(sql`insert into stock values (1, 10)`)
  const slowRequests = createSlowRequests(slowFromMs)
  stack.defer(() => slowRequests.stop())
  const health = { details: 'token', token: 'the-token-of-the-report' } as const
  const app = createServiceApp({ service: 'shop', version: '1', database, health, slowRequests })
  app.get('/sleep/:word', async (c) => {
    const word = c.req.param('word')
    await database.db.execute(sql`select pg_sleep(0.2), ${word}::text as word, 'canary' as constant`)
    return c.text('slept')
  })
  app.post('/stock/:id', async (c) => {
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select quantity from stock where id = ${Number(c.req.param('id'))}`)
      await tx.execute(sql`update stock set quantity = quantity - 1 where id = 1`)
    })
    return c.text('changed')
  })
  app.get('/quick', async (c) => {
    await database.db.execute(sql`select 1`)
    return c.text('quick')
  })
  app.get('/wrong/:word', async (c) => {
    await database.db.execute(sql`select ${c.req.param('word')}::text from nowhere`)
    return c.text('never')
  })
  const report = async () => {
    const headers = { Authorization: `Bearer ${health.token}` }
    const text = await (await app.request('/health/detailed', { headers })).text()
    const { slowRequests } = detailedHealthSchema.parse(JSON.parse(text))
    return { text, list: (slowRequests?.list ?? []) as SlowRequest[] }
  }
  const owned = stack.move()
  return { app, database, owner, report, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const end = ({ startMs, durationMs }: RequestSpan): number => startMs + durationMs
/** Whether one ends where the other begins, to the tenth that both are rounded to. */
const meet = (one: RequestSpan | undefined, other: RequestSpan | undefined): boolean =>
  one !== undefined && other !== undefined && Math.abs(end(one) - other.startMs) < 0.25

/** Whether a span is work: on a busy machine also an idle connection may be waited for, for any time. */
const isWork = ({ kind }: RequestSpan): boolean => kind !== 'wait'

test('a slow request has the opening of its connection, its wait and its statement, which add up', async () => {
  await using shop = await openShop()
  const headers = { traceparent: `00-${traceId}-${'b2'.repeat(8)}-01`, 'X-Request-Id': 'request-1' }
  const answer = await shop.app.request('/sleep/canary?q=canary', { headers })
  const { list, text } = await shop.report()
  expect({ status: answer.status, list, canary: text.includes('canary') }).toEqual({
    status: 200,
    list: [
      {
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        method: 'GET',
        route: '/sleep/:word',
        requestId: 'request-1',
        traceId,
        status: 200,
        durationMs: ms,
        spans: [
          { ...nothing, kind: 'wait', startMs: ms, durationMs: ms },
          { ...nothing, kind: 'connect', startMs: ms, durationMs: ms },
          {
            ...nothing,
            kind: 'statement',
            startMs: ms,
            durationMs: ms,
            statement: 'select pg_sleep(?), $1::text as word, ? as constant',
            rows: 1,
          },
        ],
        omitted: 0,
      },
    ],
    canary: false,
  })
  const [request] = list
  const [wait, connect, statement] = request?.spans ?? []
  expect({
    isMeasured: (statement?.durationMs ?? 0) >= 199,
    meet: meet(wait, statement),
    connectIsInWait: connect && wait && connect.startMs >= wait.startMs && end(connect) <= end(wait) + 0.2,
    isInRequest: request && statement && end(statement) <= request.durationMs + 0.2,
  }).toEqual({ isMeasured: true, meet: true, connectIsInWait: true, isInRequest: true })
})

test('a request that waits for the connection, and then for a locked row, shows both, and in which statement', async () => {
  await using shop = await openShop()
  const { app, database, owner } = shop
  await database.connect()
  const held = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const holder = owner.db.transaction(async (tx) => {
    await tx.execute(sql`select from stock for update`)
    locked.resolve()
    await held.promise
  })
  await locked.promise
  const change = (id: string) => app.request('/stock/1', { method: 'POST', headers: { 'X-Request-Id': id } })
  const first = change('first')
  const waits = sql`select 1 from pg_locks join pg_stat_activity using (pid)
    where not granted and datname = current_database()`
  await eventually(async () => (await owner.db.execute(waits)).length > 0)
  const second = change('second')
  await eventually(() => database.status().waiting === 1)
  await owner.db.execute(sql`select pg_sleep(${slowMs / 1_000 + 0.05})`)
  held.resolve()
  await Promise.all([holder, first, second])
  const { list } = await shop.report()
  const [waited, blocked] = list
  const work = blocked?.spans.filter(isWork)
  expect({
    requests: list.map(({ method, route, requestId }) => `${requestId}: ${method} ${route}`),
    waited: waited?.spans.map(({ kind }) => kind),
    blocked: work?.map(({ kind }) => kind),
  }).toEqual({
    requests: ['second: POST /stock/:id', 'first: POST /stock/:id'],
    waited: ['wait', 'transaction', 'statement', 'statement'],
    blocked: ['transaction', 'statement', 'statement'],
  })
  const [wait, transaction] = waited?.spans ?? []
  const [all, , update] = work ?? []
  expect({
    waited: (wait?.durationMs ?? 0) >= slowMs,
    meet: meet(wait, transaction),
    update: update?.statement,
    isLongest: update && all && update.durationMs >= slowMs && end(update) <= end(all) + 0.2,
    outcomes: [transaction?.outcome, all?.outcome],
  }).toEqual({
    waited: true,
    meet: true,
    update: 'update stock set quantity = quantity - ? where id = ?',
    isLongest: true,
    outcomes: ['committed', 'committed'],
  })
})

test('a request that fails at once is kept with its code, a quick one is not, and one that found no connection with the wait that ended it', async () => {
  await using shop = await openShop({ checkoutTimeoutMs: 30, slowFromMs: neverMs })
  const { app, database } = shop
  await database.connect()
  expect((await app.request('/quick')).status).toBe(200)
  await app.request('/wrong/canary')
  {
    const taken = Promise.withResolvers<void>()
    const free = Promise.withResolvers<void>()
    const holder = database.use(async () => {
      taken.resolve()
      await free.promise
    })
    await taken.promise
    await app.request('/quick')
    await app.request('/stock/1', { method: 'POST' })
    free.resolve()
    await holder
  }
  await app.request('/nowhere/canary', { method: 'PURGE' })
  const { list, text } = await shop.report()
  const shown = list.map(({ route, status, spans }) => [
    route,
    status,
    ...spans
      .filter((span) => isWork(span) || span.code !== null)
      .map(({ kind, statement, code }) => ({ kind, statement, code })),
  ])
  expect({ shown, canary: text.includes('canary') }).toEqual({
    shown: [
      ['/stock/:id', 503, { kind: 'wait', statement: null, code: 'CHECKOUT_TIMEOUT' }],
      ['/quick', 503, { kind: 'wait', statement: 'select ?', code: 'CHECKOUT_TIMEOUT' }],
      ['/wrong/:word', 500, { kind: 'statement', statement: 'select $1::text from nowhere', code: '42P01' }],
    ],
    canary: false,
  })
})

test('the report is for its bearer alone, and says where nobody keeps slow requests', async () => {
  await using shop = await openShop()
  const { database } = shop
  const app = createServiceApp({ service: 'shop', version: '1', database, health: { details: 'always' } })
  const report = await (await app.request('/health/detailed')).json()
  expect({
    unguarded: (await shop.app.request('/health/detailed')).status,
    slowRequests: (report as { slowRequests: unknown }).slowRequests,
  }).toEqual({ unguarded: 401, slowRequests: null })
})
