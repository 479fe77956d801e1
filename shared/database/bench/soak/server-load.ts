import { setTimeout as sleep } from 'node:timers/promises'
import { mulberry32 } from '@shared/pool/testing'
import { eventually, startFaultProxy, startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { createDatabase, findDatabaseError, sqlState } from '../../src/index.ts'

const callers = 24
const name = 'soak'
const faultEveryMs = 150

/** Callers on a real server through a proxy; meanwhile backends are terminated, sockets cut, connects refused. */
export async function createServerLoad() {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServer())
  const { appUrl } = await server.database()
  const proxy = stack.use(await startFaultProxy({ target: server }))
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  stack.defer(() => admin.end({ timeout: 1 }))
  const database = createDatabase({
    name,
    url: proxy.url(appUrl),
    pool: { poolSize: 8, maxOverflow: 4, prePingIdleMs: 5 },
  })
  stack.defer(() => database.close({ timeoutMs: 500 }))
  const random = mulberry32(2)
  const ends: Record<string, number> = {}

  const once = (): Promise<unknown> => {
    const choice = random()
    const select = sql`select ${choice}::float8`
    if (choice < 0.6) return database.db.execute(select)
    if (choice < 0.8) return database.use(({ db }) => db.execute(select))
    if (choice < 0.95) return database.db.transaction((tx) => tx.execute(select))
    if (choice < 0.98) return database.within({ timeoutMs: 1 + choice }, () => database.db.execute(select))
    const abort = new AbortController()
    setImmediate(() => abort.abort())
    return database.within({ signal: abort.signal }, () => database.db.execute(sql`select pg_sleep(0.01)`))
  }

  async function breakThings(running: () => boolean): Promise<void> {
    while (running()) {
      await sleep(faultEveryMs)
      const choice = random()
      if (choice < 0.6)
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name} and random() < 0.3`
      else if (choice < 0.8) await proxy.set('cut')
      else {
        await proxy.set('refuse')
        await sleep(10)
      }
      await proxy.set('forward')
    }
  }

  /** Makes that many calls of one checkout each, faults all along, and lets the pool come to rest. */
  async function run(calls: number): Promise<void> {
    let left = calls
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        const end = await once().then(
          () => 'served',
          (error: unknown) => findDatabaseError(error)?.code ?? sqlState(error) ?? String(error),
        )
        ends[end] = (ends[end] ?? 0) + 1
      }
    }
    const breaking = breakThings(() => left > 0)
    await Promise.all(Array.from({ length: callers }, caller))
    await breaking
    await eventually(() => {
      const { checkedOut, connecting, waiting } = database.status()
      return checkedOut + connecting + waiting === 0
    })
  }

  /** Closes the database and counts the backends that it leaves on the server. */
  async function close(): Promise<number> {
    await database.close()
    let backends = 0
    const count = async (): Promise<boolean> => {
      const rows = await admin`select 1 from pg_stat_activity where application_name = ${name}`
      backends = rows.length
      return backends === 0
    }
    await eventually(count).catch(() => {})
    return backends
  }

  const owned = stack.move()
  return {
    run,
    close,
    ends,
    connections: () => database.status().total,
    /** Real timers can't be counted: one left over keeps the program from ending. */
    timers: null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
