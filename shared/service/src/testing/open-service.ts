import { createDatabase, type Database, type DrizzleModel } from '@shared/database'
import { createRollbackDatabase } from '@shared/database/testing'
import { withDatabase } from '@shared/postgres/testing'
import type { ServiceApp, ServiceContext } from '../context/context.ts'
import { migrated } from './migrated.ts'

/** Which service to open, and how its database is made. */
export interface OpenServiceOptions<TSchema extends DrizzleModel> {
  service: string
  schema: TSchema
  /** The committed migrations: the database is what production has. */
  migrationsFolder: string
  createApp: (context: ServiceContext<Database<TSchema>>) => ServiceApp
}

/** A service's app on a database of its own, as its runtime role. */
export interface TestService<TSchema extends DrizzleModel> {
  app: ServiceApp
  database: Database<TSchema>
  /** The database as the runtime role logs in to it. */
  url: string
  /** Lets its bearer read the details of its health. */
  healthToken: string
  /** Sends a request, its body as JSON; the answer's body is parsed, null when empty. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /**
   * The service on the same database, for one test: all that it does is undone when it is disposed. It has one connection, on
   * which requests take turns, and one transaction, in which `now()` stands still.
   */
  rollback(): TestService<TSchema>
  [Symbol.asyncDispose](): Promise<void>
}

/** What came back; `body` is for `toMatchObject` and friends. */
export interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

/** Opens a service on a fresh, migrated database; dispose of it to drop the database. */
export async function openService<TSchema extends DrizzleModel>(
  options: OpenServiceOptions<TSchema>,
): Promise<TestService<TSchema>> {
  const { service, schema, migrationsFolder, createApp } = options
  const postgres = await withDatabase({
    service,
    template: migrated(migrationsFolder),
  })
  const place = { name: service, url: postgres.appUrl, schema }
  const serveOn = (database: Database<TSchema>, dispose: () => Promise<void>): TestService<TSchema> => {
    const healthToken = crypto.randomUUID()
    const app = createApp({ database, health: { details: 'token', token: healthToken } })
    return {
      app,
      database,
      url: postgres.appUrl,
      healthToken,
      send: requestsTo(app),
      rollback() {
        const undone = createRollbackDatabase<TSchema>(place)
        return serveOn(undone, () => undone.close())
      },
      [Symbol.asyncDispose]: dispose,
    }
  }
  const database = createDatabase<TSchema>({ ...place, pool: { poolSize: 4, maxOverflow: 4 } })
  return serveOn(database, async () => {
    await database.close({ timeoutMs: 2000 })
    await postgres.drop()
  })
}

/** Sends an app requests as `TestService.send` does. */
export function requestsTo(app: ServiceApp): TestService<DrizzleModel>['send'] {
  return async (method, path, body, headers = {}) => {
    const json: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const init = {
      method,
      headers: { ...json, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    }
    const response = await app.request(path, init)
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    }
  }
}
