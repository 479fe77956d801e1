import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { provision } from '../provision/provision.ts'
import { stopLocalCluster } from '../replication/local-cluster.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { startPostgres } from '../server/local-postgres.ts'
import { resolvePlace } from '../server/place.ts'
import { isAlive, sendSignal } from '../server/processes.ts'
import type { StopOptions } from '../server/server-process.ts'
import { lastingPort } from './lasting-port.ts'
import { servicesOf, type TestDatabaseUrls, urlsOf } from './test-roles.ts'
import { testDataRoot, testSettings } from './test-settings.ts'

/** A server of one test's own, to be stopped, killed, frozen and restarted. */
export interface TestServer extends AsyncDisposable {
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  /** The postmaster's process id; another one after each restart. */
  readonly pid: number
  readonly dataDirectory: string
  readonly logFile: string
  stop(options?: StopOptions): Promise<void>
  /** Starts it again on the same port, also after a kill. */
  restart(options?: StopOptions): Promise<void>
  /** Sends a signal to the postmaster; after `SIGKILL` its backends end by themselves a moment later. */
  signal(name: NodeJS.Signals): void
  /** Makes the database and the roles of a service (`auth` → `auth_db`, `auth_app` …) and returns their URLs. */
  database(service?: string, options?: { connectionLimit?: number }): Promise<TestDatabaseUrls>
}

const servers = new Set<AsyncDisposable>()
let count = 0

/** What the end of the run disposes if no test has done it; call the result once that is not needed any more. */
export function disposeAtEnd(server: AsyncDisposable): () => void {
  servers.add(server)
  return () => servers.delete(server)
}

const foldersIn = (dataRoot: string, create: boolean): string | null => {
  const place = resolvePlace(dataRoot, { create })
  return place === null ? null : join(place.root, 'servers')
}

/** A data root of its own, not made yet. Whatever runs there when this process is dead, a later run stops and removes. */
export async function privateDataRoot(): Promise<string> {
  await sweepPrivateServers(testDataRoot())
  const folder = foldersIn(testDataRoot(), true)
  return join(folder ?? testDataRoot(), `${process.pid}-${++count}`)
}

/** Starts a private server in about a second; disposing it, or the end of the run, stops it and removes its data. */
export async function startTestServer(
  options: {
    settings?: Readonly<Record<string, string>>
    port?: number
    onNotice?: (line: string) => void
  } = {},
): Promise<TestServer> {
  const dataRoot = await privateDataRoot()
  const server = await startPostgres({
    dataRoot,
    // It is started again on the same one.
    port: options.port ?? (await lastingPort()),
    settings: { ...testSettings, ...options.settings },
    onNotice: options.onNotice,
  })
  return createTestServer(server, dataRoot)
}

function createTestServer(server: LocalPostgres, dataRoot: string): TestServer {
  let disposed: Promise<void> | null = null
  const dispose = async (): Promise<void> => {
    await server.stop({ mode: 'immediate' })
    await server.release()
    rmSync(dataRoot, { recursive: true, force: true })
  }
  const handle: TestServer = {
    get adminUrl() {
      return server.adminUrl
    },
    host: server.host,
    port: server.port,
    get pid() {
      return server.pid
    },
    dataDirectory: server.dataDirectory,
    logFile: server.logFile,
    stop: (options) => server.stop(options),
    restart: (options) => server.restart(options),
    signal: (name) => {
      sendSignal(server.pid, name)
    },
    async database(service = 'test', options = {}) {
      const roles = servicesOf(server.adminUrl, service, `${service}_db`, options.connectionLimit)
      const { adminUrl } = server
      await provision({ adminUrl, services: [roles], adopt: true, closeSharedDatabases: true })
      return urlsOf(server.adminUrl, roles)
    },
    [Symbol.asyncDispose]() {
      forget()
      disposed ??= dispose()
      return disposed
    },
  }
  const forget = disposeAtEnd(handle)
  return handle
}

/** Disposes every private server that a test of this run left. */
export async function stopPrivateServers(): Promise<void> {
  await Promise.all([...servers].map((server) => server[Symbol.asyncDispose]()))
}

/** Stops and removes private servers of runs that were killed. */
export async function sweepPrivateServers(dataRoot: string): Promise<void> {
  const folder = foldersIn(dataRoot, false)
  if (folder === null || !existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const pid = Number.parseInt(name, 10)
    if (Number.isNaN(pid) || isAlive(pid)) continue
    await stopLocalCluster({ dataRoot: join(folder, name), mode: 'immediate' })
    rmSync(join(folder, name), { recursive: true, force: true })
  }
}
