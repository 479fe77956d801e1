import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { holdTestServers, stopTestPostgres, testDataRoot, testPostgres } from '@shared/postgres/testing'
import { didYouMean } from '../command-line/arguments.ts'
import { UsageError } from '../command-line/errors.ts'
import { listenForStop } from '../command-line/stop-request.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { ownEnvironment } from '../workspace/service-environment.ts'
import { serviceNames } from '../workspace/services.ts'

/**
 * The paths for bun test: of a service by its name, or of a file or folder relative to here or to the root.
 *
 * @throws {UsageError} A name is none of these.
 */
export function testPaths(names: readonly string[], cwd = process.cwd()): string[] {
  const services = serviceNames()
  return names.map((name) => {
    if (services.includes(name)) return `./services/${name}/`
    const path = [cwd, repositoryRoot]
      .map((folder) => resolve(folder, name))
      .find((candidate) => existsSync(candidate))
    if (path === undefined) {
      throw new UsageError(
        `${name} is no service, file or folder${didYouMean(name, services) || ` (services: ${services.join(', ')})`}`,
      )
    }
    return `./${relative(repositoryRoot, path)}`
  })
}

// A busy machine is no failure: only a test that hangs takes this long, twice what `eventually` waits, whose error says more.
// Options after it win.
const timeoutMs = 120_000

// A worker keeps two processors busy with its server and what its tests start, and takes one to two gigabytes.
const mostWorkers = 4

/** Workers of bun test where no number was asked for: one for two processors, four at most, and one on a server that is given. */
export function defaultWorkers(processors = availableParallelism(), environment = process.env): number {
  if (environment.TEST_DATABASE_ADMIN_URL) return 1
  return Math.min(Math.max(1, Math.floor(processors / 2)), mostWorkers)
}

/**
 * Runs `bun test` while this process holds the test servers, so that they stay between files, and returns its exit code.
 *
 * Signals are forwarded; the servers are released when the tests have ended, for any reason.
 *
 * @param workers Processes that share the files; each has a server of its own. Default 1.
 */
export async function runTests(args: readonly string[], workers = 1): Promise<number> {
  using stop = listenForStop()
  await using servers = await holdServers(workers)
  console.error(servers.text)
  if (stop.signal.aborted) return 130
  const parallel = workers > 1 ? [`--parallel=${workers}`] : []
  const child = Bun.spawn([process.execPath, 'test', `--timeout=${timeoutMs}`, ...parallel, ...args], {
    cwd: repositoryRoot,
    env: { ...ownEnvironment(), NODE_ENV: 'test' },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  stop.signal.addEventListener('abort', () => child.kill('SIGINT'), { once: true })
  stop.forced.then(() => child.kill('SIGKILL'))
  return await child.exited
}

async function holdServers(workers: number): Promise<AsyncDisposable & { text: string }> {
  if (workers > 1 && !process.env.TEST_DATABASE_ADMIN_URL) {
    // One each: tests look at all sessions, locks and roles of their server.
    const release = await holdTestServers(
      Array.from({ length: workers }, (_, index) => testDataRoot(index + 1)),
    )
    return { text: `${workers} workers, each with a test server`, [Symbol.asyncDispose]: release }
  }
  const { host, port, external } = await testPostgres()
  const text = `test server on ${host}:${port}${external ? ' (from TEST_DATABASE_ADMIN_URL)' : ''}`
  return { text, [Symbol.asyncDispose]: stopTestPostgres }
}
