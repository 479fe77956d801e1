import { createDatabase, type Database, type DatabaseOptions } from '@shared/database'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { createMonitor, type HealthProbe } from '../src/index.ts'

type Plain = Record<string, never>

/** A database on a real server, and its health probe. */
export interface Fixture extends AsyncDisposable {
  readonly test: TestDatabase
  readonly database: Database<Plain>
  readonly health: HealthProbe
  /** Another handle on the same database, closed with the fixture. */
  open(options?: Partial<DatabaseOptions<Plain>>): Database<Plain>
}

// What these tests do happens on their own connections, so one database serves them all; the run's end drops it.
let shared: Promise<TestDatabase> | null = null
let fixtures = 0

export async function createFixture(options: Partial<DatabaseOptions<Plain>> = {}): Promise<Fixture> {
  shared ??= withDatabase()
  const test = await shared
  const name = `watched-${++fixtures}`
  const opened: Database<Plain>[] = []
  const open = (own: Partial<DatabaseOptions<Plain>> = {}) => {
    const made = createDatabase({ name, url: test.appUrl, ...own })
    opened.push(made)
    return made
  }
  const database = open(options)
  return {
    test,
    database,
    health: createMonitor(database).health,
    open,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((made) => made.close({ timeoutMs: 500 })))
    },
  }
}

/** The first row of a statement. */
export async function firstRow<T = Record<string, unknown>>(result: PromiseLike<unknown>): Promise<T> {
  return ((await result) as T[])[0] as T
}
