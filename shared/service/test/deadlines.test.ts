import { describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { createServiceApp } from '../src/index.ts'
import { listen } from '../src/serve/listen.ts'
import { keepLines } from './log-lines.ts'
import { readMetrics } from './read-metrics.ts'

/** A service on a pool of one connection behind a real socket; `/slow` commits once `holdCommits` lets it. */
async function startService(bounds: { requestTimeoutMs: number; checkoutTimeoutMs: number }) {
  const log = keepLines()
  const postgres = await withDatabase()
  const database = createDatabase({
    name: 'bounded',
    url: postgres.appUrl,
    pool: { poolSize: 1, maxOverflow: 0, sharedDepth: 1, checkoutTimeoutMs: bounds.checkoutTimeoutMs },
  })
  const owner = createDatabase({ name: 'owner', url: postgres.migratorUrl })
  await owner.db.execute(`
    create table slow_rows (n int);
    create function slow_commit() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(4713); return null; end';
    create constraint trigger slow after insert on slow_rows deferrable initially deferred
      for each row execute function slow_commit()`)
  await database.connect()
  const app = createServiceApp({
    service: 'bounded',
    version: '1',
    database,
    logger: log.logger,
    health: { details: 'always' },
    requestTimeoutMs: bounds.requestTimeoutMs,
  })
  app.get('/work', async (c) => c.json(await database.db.execute('select 1 as n')))
  app.get('/slow', async (c) => {
    await database.transaction((tx) => tx.execute('insert into slow_rows values (1)'))
    return c.body(null, 204)
  })
  const server = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0, logger: log.logger })
  const send = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init)
  return {
    database,
    send,
    line: (path: string) => log.lines().find((line) => line.path === path),
    /** Keeps the only connection until the returned function is called. */
    async holdAll() {
      const release = Promise.withResolvers<void>()
      const held = database.use(() => release.promise)
      await eventually(() => database.status().checkedOut === 1)
      return async () => {
        release.resolve()
        await held
      }
    },
    /** Keeps each COMMIT of `/slow` waiting until the returned function is called. */
    async holdCommits() {
      const isHeld = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      const held = owner.use(async ({ db }) => {
        await db.execute('select pg_advisory_lock(4713)')
        isHeld.resolve()
        await release.promise
        await db.execute('select pg_advisory_unlock(4713)')
      })
      held.catch(isHeld.reject)
      await isHeld.promise
      return async () => {
        release.resolve()
        await held
      }
    },
    async counted() {
      const { value } = readMetrics(await (await send('/metrics')).text())
      const of = (name: string) => value(`db_client_connection_${name}_total`)
      return { timeouts: of('timeouts'), cancels: of('cancels') }
    },
    rows: async () =>
      (await owner.db.execute<{ n: number }>('select count(*)::int as n from slow_rows'))[0]?.n,
    async [Symbol.asyncDispose]() {
      await server.stop(true)
      await database.close({ timeoutMs: 0 })
      await owner.close()
      await postgres.drop()
    },
  }
}

async function answerOf(response: Response) {
  const { code } = (await response.json()) as { code: string }
  return { status: response.status, code, retryAfter: response.headers.get('Retry-After') }
}

describe('an exhausted pool', () => {
  test.each([
    // The first as the defaults have them, ten times shorter.
    { bounds: { checkoutTimeoutMs: 3_000, requestTimeoutMs: 4_500 }, owner: 'pool', timeoutMs: 3_000 },
    { bounds: { checkoutTimeoutMs: 60_000, requestTimeoutMs: 1_000 }, owner: 'request', timeoutMs: 1_000 },
  ])(
    'answers 503 with Retry-After and counts a timeout, whichever bound is over first ($owner)',
    async ({ bounds, owner, timeoutMs }) => {
      await using service = await startService(bounds)
      const release = await service.holdAll()
      const answer = await answerOf(await service.send('/work'))
      await release()
      expect({ answer, counted: await service.counted(), err: service.line('/work')?.err }).toMatchObject({
        answer: { status: 503, code: 'database-busy', retryAfter: expect.stringMatching(/^[1-9]\d*$/) },
        counted: { timeouts: 1, cancels: 0 },
        err: { code: 'CHECKOUT_TIMEOUT', deadline: { owner, timeoutMs, spentOn: 'queue' } },
      })
      // Beside the requests, whose time may be short.
      expect(await service.database.db.execute('select 1 as n')).toMatchObject([{ n: 1 }])
    },
    60_000,
  )

  test('counts a client that disconnects in the queue as a cancel, not as a timeout', async () => {
    await using service = await startService({ checkoutTimeoutMs: 60_000, requestTimeoutMs: 60_000 })
    const release = await service.holdAll()
    const client = new AbortController()
    const request = service.send('/work', { signal: client.signal }).catch(() => null)
    await eventually(() => service.database.status().waiting === 1)
    client.abort()
    await request
    await eventually(() => service.database.status().waiting === 0)
    await release()
    expect(await service.counted()).toEqual({ timeouts: 0, cancels: 1 })
    await eventually(() => service.line('/work') !== undefined)
    expect(service.line('/work')).toMatchObject({ status: 499, code: 'client-gone' })
  }, 60_000)
})

describe('a COMMIT that takes longer than the request', () => {
  test('is answered as unknown at the deadline, and takes effect', async () => {
    await using service = await startService({ checkoutTimeoutMs: 3_000, requestTimeoutMs: 3_000 })
    const release = await service.holdCommits()
    const answer = await answerOf(await service.send('/slow'))
    await release()
    expect({ answer, err: service.line('/slow')?.err }).toMatchObject({
      answer: { status: 503, code: 'outcome-unknown', retryAfter: null },
      err: { code: 'CONNECTION_LOST', deadline: { owner: 'request', timeoutMs: 3_000, spentOn: 'commit' } },
    })
    await eventually(async () => (await service.rows()) === 1)
    await eventually(() => service.database.status().checkedOut === 0)
    expect(service.database.status()).toMatchObject({ total: 1, counters: { connects: 1 } })
  }, 60_000)

  test('takes effect also when its client hangs up, and is no error of the service', async () => {
    await using service = await startService({ checkoutTimeoutMs: 30_000, requestTimeoutMs: 45_000 })
    const release = await service.holdCommits()
    const client = new AbortController()
    const request = service.send('/slow', { signal: client.signal }).catch(() => null)
    await eventually(async () => {
      const details = (await (await service.send('/health/detailed')).json()) as {
        statements: { text: string }[]
      }
      return details.statements.some(({ text }) => text === 'commit')
    })
    client.abort()
    await request
    await eventually(() => service.line('/slow') !== undefined)
    expect(service.line('/slow')).toMatchObject({ level: 'info', status: 499, code: 'client-gone' })
    await release()
    await eventually(async () => (await service.rows()) === 1)
  }, 60_000)
})
