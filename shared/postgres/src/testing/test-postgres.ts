import { parseAdminUrl } from '../admin-connection.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { startPostgres } from '../server/local-postgres.ts'
import { stopPgBouncers, sweepPgBouncers } from './pgbouncer.ts'
import { stopPrivateServers, sweepPrivateServers } from './private-servers.ts'
import { endTestRun } from './test-run.ts'
import { testDataRoot, testSettings } from './test-settings.ts'

/** The server that a test run shares. */
export interface TestPostgres {
  /** Superuser's URL, to the database `postgres`. */
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  /** True for a server of TEST_DATABASE_ADMIN_URL, which is neither started nor stopped here. */
  readonly external: boolean
}

let shared: Promise<TestPostgres & { server: LocalPostgres | null }> | null = null

/**
 * The run's server: the one of `TEST_DATABASE_ADMIN_URL`, else an embedded one, started by the first call.
 *
 * The test preload stops it when the run ends. Do not stop or kill it in a test: `startTestServer` is for that.
 */
export function testPostgres(): Promise<TestPostgres> {
  shared ??= open()
  return shared
}

async function open(): Promise<TestPostgres & { server: LocalPostgres | null }> {
  const given = process.env.TEST_DATABASE_ADMIN_URL
  if (given !== undefined && given !== '') {
    const { host, port } = parseAdminUrl(given)
    return { adminUrl: given, host, port, external: true, server: null }
  }
  const server = await startPostgres({ dataRoot: testDataRoot(), port: 0, settings: testSettings })
  await sweepTestServers(testDataRoot())
  const { adminUrl, host, port } = server
  return { adminUrl, host, port, external: false, server }
}

/**
 * Starts the servers of data roots, so that they stay for the processes that use them one after the other.
 *
 * @returns Releases them, and stops what such processes have left.
 */
export async function holdTestServers(dataRoots: readonly string[]): Promise<() => Promise<void>> {
  const held: LocalPostgres[] = []
  const release = async () => {
    await Promise.all(dataRoots.map(sweepTestServers))
    await Promise.all(held.splice(0).map((server) => server.release()))
  }
  try {
    for (const dataRoot of dataRoots)
      held.push(await startPostgres({ dataRoot, port: 0, settings: testSettings }))
  } catch (error) {
    await release()
    throw error
  }
  return release
}

/** Ends the run's use of servers: drops what tests left, stops private servers, releases the shared one. Idempotent. */
export async function stopTestPostgres(): Promise<void> {
  const running = shared
  shared = null
  await Promise.all([stopPrivateServers(), stopPgBouncers()])
  // A runner outlives its `bun test`, which may have been killed with servers of its own running.
  await sweepTestServers(testDataRoot())
  const opened = await running?.catch(() => null)
  if (opened === undefined || opened === null) return
  await endTestRun()
  await opened.server?.release()
}

/** Stops what test processes that were killed have left. */
export async function sweepTestServers(dataRoot: string): Promise<void> {
  await sweepPrivateServers(dataRoot)
  sweepPgBouncers(dataRoot)
}
