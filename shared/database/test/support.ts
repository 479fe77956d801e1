import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase, type Database, type DatabaseOptions, errorCode } from '../src/index.ts'

type Plain = Record<string, never>

/** The layer over a real database, and a second, independent way in to look and to break things. */
export interface Fixture extends AsyncDisposable {
  readonly test: TestDatabase
  readonly database: Database<Plain>
  readonly events: string[]
  /** Client backends of the layer's pool, as the server sees them. */
  backends(): Promise<{ pid: number; state: string; query: string }[]>
  /** Whether the server is at a statement with this in its text; the layer's own statements are active at times, too. */
  isRunning(text: string): Promise<boolean>
  /** Kills backends, all of the pool by default, and waits until the server has let go of them. */
  terminate(pid?: number): Promise<void>
  /** Another database handle on the same database, closed with the fixture. */
  open(options?: Partial<DatabaseOptions<Plain>>): Database<Plain>
}

// What these tests do happens on their own connections, so one database serves them all; the run's end drops it.
let shared: Promise<TestDatabase> | null = null
let fixtures = 0

export async function createFixture(options: Partial<DatabaseOptions<Plain>> = {}): Promise<Fixture> {
  shared ??= withDatabase()
  const test = await shared
  const name = `layer-${++fixtures}`
  const opened: Database<Plain>[] = []
  const open = (own: Partial<DatabaseOptions<Plain>> = {}) => {
    const made = createDatabase({ name, url: test.appUrl, ...own })
    opened.push(made)
    return made
  }
  const events: string[] = []
  const layer = open({ onEvent: ({ type }) => events.push(type), ...options })
  const observer = open({ name: 'observer', url: test.adminUrl, pool: { poolSize: 1, maxOverflow: 1 } })
  const backends = async () =>
    (await observer.db.execute(
      sql`select pid, state, query from pg_stat_activity
          where datname = current_database() and application_name = ${layer.name} order by backend_start`,
    )) as unknown as { pid: number; state: string; query: string }[]
  return {
    test,
    database: layer,
    events,
    backends,
    open,
    isRunning: async (text) =>
      (await backends()).some(({ state, query }) => state === 'active' && query.includes(text)),
    async terminate(pid) {
      const pids = pid === undefined ? (await backends()).map((backend) => backend.pid) : [pid]
      for (const one of pids) await observer.db.execute(sql`select pg_terminate_backend(${one}::int)`)
      await eventually(async () => {
        const left = (await backends()).filter((backend) => pids.includes(backend.pid))
        if (left.length > 0) throw new Error(`${left.length} backends are still there`)
      })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((made) => made.close({ timeoutMs: 500 })))
    },
  }
}

/** Asks the server outside the pool: 'answers', or the code of the error. */
export async function observed(database: Pick<Database<Plain>, 'observe'>): Promise<string> {
  try {
    await database.observe((connection, leftMs) => connection.ping(leftMs))
    return 'answers'
  } catch (error) {
    return errorCode(error) ?? 'an error without a code'
  }
}

/** How many cancellations the server has not acted on in time, as on a busy machine: each has cost its connection. */
export const unansweredCancels = (database: Pick<Database<Plain>, 'events'>): number =>
  database.events().filter(({ code }) => code === 'CANCEL_UNANSWERED').length

/** The first row of a statement. */
export async function firstRow<T = Record<string, unknown>>(result: PromiseLike<unknown>): Promise<T> {
  return ((await result) as T[])[0] as T
}
