import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  eventually,
  pgBouncerPrograms,
  startFaultProxy,
  startPgBouncer,
  startTestServer,
  type TestServer,
} from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, createDatabase, type Database, PoolerModeError } from '../../src/index.ts'
import { firstRow } from '../support.ts'

type Plain = Record<string, never>

let server: TestServer
let urls: Awaited<ReturnType<TestServer['database']>>
/** Straight to the server, to look and to break things. */
let observer: Database<Plain>
const opened: Database<Plain>[] = []

beforeAll(async () => {
  server = await startTestServer()
  urls = await server.database('test')
  observer = createDatabase({ name: 'observer', url: urls.adminUrl })
}, 60_000)
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close({ timeoutMs: 500 })))
  await observer.close()
  await server[Symbol.asyncDispose]()
})

let count = 0
function open(options: { url?: string; directUrl?: string } = {}): Database<Plain> {
  const database = createDatabase({ name: `listening-${++count}`, url: urls.appUrl, ...options })
  opened.push(database)
  return database
}

const listeners = async (database: Database<Plain>) =>
  (await observer.db.execute(
    sql`select pid, state from pg_stat_activity where application_name = ${`${database.name} listen`}`,
  )) as unknown as { pid: number; state: string }[]

/** Notifies as fast as it can, over a connection that nothing is done to, until it is stopped; gives how many. */
function startNotifying(channel: string, from: () => Database<Plain> = () => observer) {
  let isStopped = false
  const sent: number[] = []
  const done = (async () => {
    for (let n = 1; !isStopped; n++) {
      try {
        await from().notify(channel, `${n}`)
        sent.push(n)
      } catch {
        // The server is down: whether this one was sent nobody knows.
      }
      await Bun.sleep(1)
    }
  })()
  return {
    sent,
    async stop() {
      isStopped = true
      await done
    },
  }
}

/** Notifications that are missing between two that arrived without a call of onReconnected between, and those that came twice or out of order. */
function faultsOf(seen: readonly (number | 'reconnected')[]): string[] {
  const faults: string[] = []
  let last: number | null = null
  for (const one of seen) {
    if (one === 'reconnected') last = null
    else {
      if (last !== null && one !== last + 1) faults.push(`${one} after ${last}`)
      last = one
    }
  }
  const numbers = seen.filter((one) => one !== 'reconnected')
  return new Set(numbers).size === numbers.length ? faults : [...faults, 'some came twice']
}

/** Listens while something is done to the connection; gives what the handler saw. */
async function listenOver(
  database: Database<Plain>,
  break_: () => Promise<unknown>,
  from?: () => Database<Plain>,
) {
  const seen: (number | 'reconnected')[] = []
  const subscription = await database.listen('over', (payload) => void seen.push(Number(payload)), {
    onReconnected: () => void seen.push('reconnected'),
  })
  const notifying = startNotifying('over', from)
  await eventually(() => seen.length > 5)
  await break_()
  await eventually(() => seen.includes('reconnected') && typeof seen.at(-1) === 'number', {
    timeoutMs: 30_000,
  })
  await notifying.stop()
  const last = notifying.sent.at(-1)
  await eventually(() => seen.at(-1) === last)
  await subscription.unlisten()
  return seen
}

describe('listen()', () => {
  test('calls handlers in order with exactly what was sent, from the moment it settles', async () => {
    const database = open()
    const channel = `It's "a" channel; drop 🐎`
    const seen: string[] = []
    await database.listen(channel, (payload) => void seen.push(payload))
    const payloads = [
      '',
      'a',
      `'"\\ \n\t $1`,
      '🐎'.repeat(1_999),
      ...Array.from({ length: 500 }, (_, n) => `${n}`),
    ]
    for (const payload of payloads) await database.notify(channel, payload)
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_notify(${channel}, 'from a transaction')`)
    })
    await eventually(() => seen.length > payloads.length)
    expect(seen).toEqual([...payloads, 'from a transaction'])
  })

  test('uses one connection for all channels and handlers, and none after the last has ended', async () => {
    const database = open()
    const calls: string[] = []
    const of = (name: string) => (payload: string) => void calls.push(`${name} ${payload}`)
    const [a, other, b] = await Promise.all([
      database.listen('a', of('a')),
      database.listen('a', of('other')),
      database.listen('b', of('b')),
    ])
    const [one, ...more] = await listeners(database)
    expect({ isThere: one !== undefined, more }).toEqual({ isThere: true, more: [] })
    await a.unlisten()
    await database.notify('a', '1')
    await database.notify('b', '2')
    await eventually(() => calls.length === 2)
    await other.unlisten()
    const controller = new AbortController()
    await database.listen('c', of('c'), { signal: controller.signal })
    controller.abort()
    await b[Symbol.asyncDispose]()
    await eventually(async () => (await listeners(database)).length === 0)
    await database.notify('a', '3')
    await database.listen('a', of('again'))
    await database.notify('a', '4')
    await eventually(() => calls.length === 3)
    expect(calls).toEqual(['other 1', 'b 2', 'again 4'])
  })

  test('goes on after a handler that throws, and reports it', async () => {
    const database = open()
    const calls: string[] = []
    const onError = (error: unknown) => void calls.push(`(${(error as Error).message})`)
    await database.listen(
      'throwing',
      (payload) => {
        calls.push(payload)
        if (payload === '1') throw new Error('at once')
        return payload === '2' ? Promise.reject(new Error('later')) : undefined
      },
      { onError },
    )
    for (const payload of ['1', '2', '3']) await database.notify('throwing', payload)
    await eventually(() => calls.length === 5)
    expect({ calls, failed: database.eventCounts()['handler-failed'] }).toEqual({
      calls: ['1', '(at once)', '2', '(later)', '3'],
      failed: 2,
    })
  })

  test('drops what a slow handler has no room for, and says how many', async () => {
    const database = open()
    const calls: string[] = []
    const go = Promise.withResolvers<void>()
    await database.listen(
      'slow',
      async (payload) => {
        calls.push(payload)
        await go.promise
      },
      { maxBacklog: 3, onOverflow: (dropped) => void calls.push(`(${dropped} dropped)`) },
    )
    let arrived = 0
    await database.listen('slow', () => void arrived++)
    for (let n = 0; n < 100; n++) await database.notify('slow', `${n}`)
    await eventually(() => arrived === 100)
    go.resolve()
    await eventually(() => calls.length === 5)
    expect({ calls, dropped: database.eventCounts()['notifications-dropped'] }).toEqual({
      calls: ['0', '1', '2', '3', '(96 dropped)'],
      dropped: 1,
    })
  })

  test('misses nothing silently when its backend is killed', async () => {
    const database = open()
    const seen = await listenOver(database, async () => {
      const [backend] = await listeners(database)
      await observer.db.execute(sql`select pg_terminate_backend(${backend?.pid}::int)`)
    })
    const { 'listen-lost': lost, 'listen-restored': restored } = database.eventCounts()
    expect({ faults: faultsOf(seen), lost, restored }).toEqual({ faults: [], lost: 1, restored: 1 })
  }, 60_000)

  test('misses nothing silently over a restart of the server', async () => {
    const database = open()
    const seen = await listenOver(database, async () => {
      await server.stop()
      await server.restart()
    })
    expect(faultsOf(seen)).toEqual([])
  }, 60_000)

  test('finds out a connection that has gone silent', async () => {
    await using proxy = await startFaultProxy({ target: server })
    const database = open({ url: proxy.url(urls.appUrl) })
    const seen = await listenOver(database, () => proxy.set('freezeOld'))
    expect(faultsOf(seen)).toEqual([])
    await database.close({ timeoutMs: 100 })
  }, 60_000)

  test('goes on trying while the server is down, and lets close() end it', async () => {
    const database = open()
    const seen: string[] = []
    await database.listen('down', (payload) => void seen.push(payload), {
      onReconnected: () => void seen.push('(reconnected)'),
    })
    await server.stop()
    await eventually(() => database.eventCounts()['listen-lost'] === 1)
    const error = await database.listen('other', () => {}, { timeoutMs: 300 }).catch((thrown) => thrown)
    expect(error.code).toBe('CONNECT_FAILED')
    await database.close({ timeoutMs: 100 })
    await server.restart()
    await eventually(async () => (await firstRow(observer.db.execute(sql`select 1 as one`))) !== undefined)
    expect({ seen, listeners: await listeners(database) }).toEqual({ seen: [], listeners: [] })
  }, 60_000)

  test('runs handlers outside of the bounds and the transaction of who has listened', async () => {
    const database = open()
    const answers: unknown[] = []
    const handle = async () => void answers.push(await firstRow(database.db.execute(sql`select 1 as one`)))
    const onError = (error: unknown) => void answers.push(error)
    const bounds = new AbortController()
    await database.within({ signal: bounds.signal }, async () => {
      await database.db.transaction(async () => void (await database.listen('outside', handle, { onError })))
      // A signal that fires after within() has settled ends nothing.
      bounds.abort()
    })
    await database.notify('outside')
    await eventually(() => answers.length === 1)
    expect(answers).toEqual([{ one: 1 }])
  })

  test('calls each handler in the async context of its own call of listen()', async () => {
    const database = open()
    const request = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const listenIn = (name: string) =>
      request.run(name, () =>
        database.listen('contexts', (payload) => void seen.push([name, request.getStore(), payload])),
      )
    await listenIn('first')
    await listenIn('second')
    await request.run('sender', () => database.notify('contexts', 'hello'))
    await eventually(() => seen.length === 2)
    expect(seen.toSorted()).toEqual([
      ['first', 'first', 'hello'],
      ['second', 'second', 'hello'],
    ])
  })

  test('refuses names, payloads and options that can not be meant', async () => {
    const database = open()
    const long = 'x'.repeat(64)
    const tried: (() => Promise<unknown>)[] = [
      () => database.listen('', () => {}),
      () => database.listen(long, () => {}),
      () => database.listen('a\0b', () => {}),
      () => database.listen('a', 'no function' as never),
      () => database.listen('a', () => {}, { maxBacklog: 0 }),
      () => database.listen('a', () => {}, { onReconnected: 1 as never }),
      () => database.notify(long),
      () => database.notify('a', 'x'.repeat(8_000)),
      () => database.notify('a', { n: 1 } as never),
    ]
    for (const one of tried) expect(await one().catch((error) => error)).toBeInstanceOf(ConfigurationError)
    expect(await listeners(database)).toEqual([])
  })

  test('is refused once closed, and closing ends what is there', async () => {
    const database = open()
    await database.listen('closing', () => {})
    await database.close()
    expect(await listeners(database)).toEqual([])
    expect(await database.listen('closing', () => {}).catch((error) => error.code)).toBe('POOL_CLOSED')
  })

  for (const program of pgBouncerPrograms())
    test(`is refused behind PgBouncer ${program.version} in transaction mode, and goes past it by directUrl`, async () => {
      await using pooler = await startPgBouncer({
        program,
        urls: [urls.appUrl],
        settings: { pool_mode: 'transaction' },
      })
      const url = pooler.url(urls.appUrl)
      const refused = await open({ url })
        .listen('pooled', () => {})
        .catch((error) => error)
      expect(refused).toBeInstanceOf(PoolerModeError)
      expect(refused.message).toContain('directUrl')
      const database = open({ url, directUrl: urls.appUrl })
      const seen: string[] = []
      await database.listen('pooled', (payload) => void seen.push(payload))
      await database.notify('pooled', 'a')
      await eventually(() => seen.length === 1)
      await database.close()
    }, 60_000)

  for (const program of pgBouncerPrograms())
    test(`works behind PgBouncer ${program.version} in session mode`, async () => {
      await using pooler = await startPgBouncer({
        program,
        urls: [urls.appUrl],
        settings: { pool_mode: 'session' },
      })
      const database = open({ url: pooler.url(urls.appUrl) })
      const seen: string[] = []
      await database.listen('pooled', (payload) => void seen.push(payload))
      await database.notify('pooled', 'a')
      await eventually(() => seen.length === 1)
      await database.close()
    }, 60_000)
})
