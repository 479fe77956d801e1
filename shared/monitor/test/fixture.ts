import { createDatabase, type Database, type DatabaseOptions } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { createMonitor, type DatabaseHealth, type HealthProbe, type ServerReport } from '../src/index.ts'

type Plain = Record<string, never>

/** A database on a real server, and its health probe. */
export interface Fixture extends AsyncDisposable {
  readonly test: TestDatabase
  readonly database: Database<Plain>
  readonly health: HealthProbe
  /** Another handle on the same database, closed with the fixture. */
  open(options?: Partial<DatabaseOptions<Plain>>): Database<Plain>
}

let fixtures = 0

export async function createFixture(options: Partial<DatabaseOptions<Plain>> = {}): Promise<Fixture> {
  // With a limit its role is its own: a report is of a role, and of all that others have left running on it.
  const test = await withDatabase({ service: 'watched', connectionLimit: 100 })
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
      await test.drop()
    },
  }
}

/** The next report. There is none where the machine was busy for longer than a question may take. */
export function reportOf(health: HealthProbe): Promise<ServerReport> {
  return eventually(async () => {
    const report = await health.details()
    if (!report) throw new Error('the server was not asked in time')
    return report
  })
}

/** The next answer that says that the database is there, for the same reason. */
export function connectedOf(health: HealthProbe): Promise<DatabaseHealth> {
  return eventually(async () => {
    const answer = await health.check()
    if (answer.status !== 'connected') throw new Error(`the probe has met ${answer.code}`)
    return answer
  })
}
