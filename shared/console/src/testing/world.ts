import { resolve } from 'node:path'
import { createDatabase, migrate } from '@shared/database'
import {
  eventually,
  lastingPort,
  startCluster,
  startTestServer,
  type TestCluster,
  type TestDatabaseUrls,
  type TestServer,
} from '@shared/postgres/testing'
import { startService } from '@shared/service/testing'
import { createObserver } from '../observe.ts'
import type { Target } from '../read-monitor.ts'

/** Services of this repository in processes of their own, on a PostgreSQL of their own. */
export interface World extends AsyncDisposable {
  readonly postgres: TestServer
  readonly services: readonly WorldService[]
}

/** The same on a primary and its standbys. */
export interface ClusterWorld extends AsyncDisposable {
  readonly cluster: TestCluster
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
  /** Runs a statement as the role that migrates. */
  execute(statement: string): Promise<void>
  /** Runs a statement in a transaction of the role that migrates, which stays open until it is disposed. */
  hold(statement: string): Promise<AsyncDisposable>
}

const root = resolve(import.meta.dir, '../../../..')
const tables: Readonly<Record<string, string>> = { auth: 'users', product: 'products', cart: 'carts' }
/** A report that is late is one all the same. */
const answerMs = 60_000
/** Details are guarded, as in production. */
const token = 'a-token-of-the-tests-that-is-long-enough'

interface WorldOptions {
  services?: readonly string[]
  env?: Record<string, string>
  /** The files of programs to start in place of services, by the name of the service. */
  programs?: Record<string, string>
}

/**
 * Starts services, all of them by default.
 *
 * @param options.env On top of what they need.
 * @param options.settings Of the server, such as `max_connections`.
 */
export async function startWorld({
  settings,
  ...options
}: WorldOptions & { settings?: Record<string, string> } = {}): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await startTestServer({ settings }))
  const services = await startServices(stack, options, (name) => postgres.database(name))
  const owned = stack.move()
  return { postgres, services, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Starts services on a primary with standbys (default: two) that their reads go to. */
export async function startClusterWorld({
  standbys = 2,
  ...options
}: WorldOptions & { standbys?: number } = {}): Promise<ClusterWorld> {
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster({ standbys }))
  const hosts = cluster.servers.map(({ host, port }) => `${host}:${port}`).join()
  const services = await startServices(stack, options, async (name) => {
    const { appUrl, migratorUrl } = await cluster.database(name)
    const { username, password, pathname } = new URL(appUrl)
    return { appUrl: `postgresql://${username}:${password}@${hosts}${pathname}`, migratorUrl }
  })
  const owned = stack.move()
  return { cluster, services, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type DatabaseUrls = Pick<TestDatabaseUrls, 'appUrl' | 'migratorUrl'>

async function startServices(
  stack: AsyncDisposableStack,
  options: WorldOptions,
  database: (name: string) => Promise<DatabaseUrls>,
): Promise<readonly WorldService[]> {
  const ports = new Map<string, number>()
  for (const name of Object.keys(tables)) ports.set(name, await lastingPort())
  const services: WorldService[] = []
  stack.defer(async () => {
    await Promise.all(services.map((service) => service.stop()))
  })
  for (const name of options.services ?? ports.keys()) {
    const env = { ...addressesOf(ports), ...options.env }
    const entry = options.programs?.[name] ?? `${root}/services/${name}/src/index.ts`
    services.push(await prepare(await database(name), { name, entry, port: ports.get(name) ?? 0, env }))
  }
  await Promise.all(services.map((service) => service.start()))
  return services
}

/** Where services find each other: PRODUCT_URL and the like. */
const addressesOf = (ports: ReadonlyMap<string, number>): Record<string, string> =>
  Object.fromEntries(
    [...ports].map(([name, port]) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`]),
  )

interface Program {
  name: string
  entry: string
  port: number
  env: Readonly<Record<string, string>>
}

async function prepare(
  { appUrl, migratorUrl }: DatabaseUrls,
  { name, entry, port, env }: Program,
): Promise<WorldService> {
  await migrate({ url: migratorUrl, migrationsFolder: `${root}/drizzle/${name}/migrations` })
  const target = { name, url: `http://127.0.0.1:${port}`, token }
  const path = `/${tables[name]}/${crypto.randomUUID()}`
  let running: ReturnType<typeof startService> | null = null
  return {
    target,
    path,
    async start() {
      running = startService({
        entry,
        env: {
          DATABASE_URL: appUrl,
          DATABASE_NAME_CHECK: 'false',
          HEALTH_TOKEN: token,
          PORT: String(port),
          // Load is sent to product alone: no auth is asked.
          REQUIRE_SESSION: 'false',
          ...env,
        },
      })
      await running.url()
      await eventually(async () => (await fetch(`${target.url}/readyz`)).ok)
    },
    async stop() {
      await running?.[Symbol.asyncDispose]()
      running = null
    },
    async execute(statement) {
      const owner = createDatabase({ name: 'owner', url: migratorUrl })
      await owner.db.execute(statement).finally(() => owner.close({ timeoutMs: 2_000 }))
    },
    async hold(statement) {
      const lock = await holdLock(migratorUrl, statement)
      return { [Symbol.asyncDispose]: () => lock.release() }
    },
    async occupy(waiting) {
      const lock = await holdLock(migratorUrl, `lock table ${tables[name]} in access exclusive mode`)
      const asked: Promise<void>[] = []
      const occupation = {
        async [Symbol.asyncDispose]() {
          await lock.release()
          await Promise.all(asked)
        },
      }
      const observer = createObserver(target, { timeoutMs: answerMs })
      const isFull = async (): Promise<boolean> => {
        asked.push(request(`${target.url}${path}`))
        await observer.poll()
        const { status, report } = observer.view()
        if (status !== 'degraded' || !report) return false
        const { pool } = report
        // A connection that is being opened will take some of those that wait.
        return pool.connecting === 0 && pool.behind === 0 && pool.waiting >= waiting
      }
      try {
        // One after the other: requests that come at once share a connection.
        await eventually(isFull, { intervalMs: 50 })
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

async function holdLock(url: string, statement: string): Promise<{ release(): Promise<void> }> {
  const owner = createDatabase({ name: 'lock', url })
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const transaction = owner.db.transaction(async (tx) => {
    await tx.execute(statement)
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
