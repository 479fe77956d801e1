import { resolve } from 'node:path'
import { createDatabase, migrate } from '@shared/database'
import { eventually, startTestServer, type TestServer } from '@shared/postgres/testing'
import { startService } from '@shared/service/testing'
import { createObserver } from '../observe.ts'
import type { Target } from '../read-monitor.ts'

/** Services of this repository in processes of their own, on a PostgreSQL of their own. */
export interface World extends AsyncDisposable {
  readonly postgres: TestServer
  readonly services: readonly WorldService[]
}

/** One of them; after `stop()` it can be started again, on the same port. */
export interface WorldService {
  readonly target: Target
  /** The path of a route that needs the database: a row that is not there. */
  readonly path: string
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Holds a lock that its route waits for, and asks the route until every connection is in use and so many callers wait
   * for one; disposing lets all of them end.
   */
  occupy(waiting: number): Promise<AsyncDisposable>
}

const root = resolve(import.meta.dir, '../../../..')
const tables: Readonly<Record<string, string>> = { auth: 'users', product: 'products', cart: 'carts' }
const patience = { timeoutMs: 30_000 }
/** Details are guarded, as in production. */
const token = 'a-token-of-the-tests-that-is-long-enough'

/** Starts services, all of them by default. @param options.env On top of what they need. */
export async function startWorld(
  options: { services?: readonly string[]; env?: Record<string, string> } = {},
): Promise<World> {
  const postgres = await startTestServer()
  const services: WorldService[] = []
  const world: World = {
    postgres,
    services,
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service.stop()))
      await postgres[Symbol.asyncDispose]()
    },
  }
  try {
    const ports = new Map(Object.keys(tables).map((name) => [name, freePort()]))
    for (const name of options.services ?? ports.keys()) {
      const env = { ...addressesOf(ports), ...options.env }
      services.push(await prepare(postgres, name, ports.get(name) ?? 0, env))
    }
    await Promise.all(services.map((service) => service.start()))
    return world
  } catch (error) {
    await world[Symbol.asyncDispose]()
    throw error
  }
}

/** Where services find each other: PRODUCT_URL and the like. */
const addressesOf = (ports: ReadonlyMap<string, number>): Record<string, string> =>
  Object.fromEntries(
    [...ports].map(([name, port]) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`]),
  )

async function prepare(
  postgres: TestServer,
  name: string,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<WorldService> {
  const { appUrl, migratorUrl } = await postgres.database(name)
  await migrate({ url: migratorUrl, migrationsFolder: `${root}/drizzle/${name}/migrations` })
  const target = { name, url: `http://127.0.0.1:${port}`, token }
  const path = `/${tables[name]}/${crypto.randomUUID()}`
  let running: ReturnType<typeof startService> | null = null
  return {
    target,
    path,
    async start() {
      running = startService({
        entry: `${root}/services/${name}/src/index.ts`,
        env: {
          DATABASE_URL: appUrl,
          DATABASE_NAME_CHECK: 'false',
          HEALTH_TOKEN: token,
          PORT: String(port),
          ...env,
        },
      })
      await running.url()
      await eventually(async () => (await fetch(`${target.url}/readyz`)).ok, patience)
    },
    async stop() {
      await running?.[Symbol.asyncDispose]()
      running = null
    },
    async occupy(waiting) {
      const lock = await holdLock(migratorUrl, tables[name] ?? '')
      const asked: Promise<void>[] = []
      const occupation = {
        async [Symbol.asyncDispose]() {
          await lock.release()
          await Promise.all(asked)
        },
      }
      const observer = createObserver(target)
      const isFull = async (): Promise<boolean> => {
        asked.push(request(`${target.url}${path}`))
        await observer.poll()
        const { status, report } = observer.view()
        return status === 'degraded' && (report?.pool.waiting ?? 0) >= waiting
      }
      try {
        // One after the other: requests that come at once share a connection.
        await eventually(isFull, { ...patience, intervalMs: 50 })
        return occupation
      } catch (error) {
        await occupation[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}

async function request(url: string): Promise<void> {
  const response = await fetch(url).catch(() => null)
  await response?.body?.cancel()
}

async function holdLock(url: string, table: string): Promise<{ release(): Promise<void> }> {
  const owner = createDatabase({ name: 'lock', url })
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const transaction = owner.db.transaction(async (tx) => {
    await tx.execute(`lock table ${table} in access exclusive mode`)
    locked.resolve()
    await over.promise
  })
  transaction.catch(locked.reject)
  await locked.promise
  return {
    async release() {
      over.resolve()
      // The server may have been stopped meanwhile, which releases the lock too.
      await transaction.catch(() => undefined)
      await owner.close({ timeoutMs: 2_000 })
    },
  }
}

/** A port that was free a moment ago, to be used again and again. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port = 0 } = server
  void server.stop(true)
  return port
}
