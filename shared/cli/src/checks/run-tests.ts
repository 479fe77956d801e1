import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { stopTestPostgres, testPostgres } from '@shared/postgres/testing'
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

// A busy machine is no failure: only a test that hangs takes this long. Options after it win.
const timeoutMs = 60_000

/**
 * Runs `bun test` while this process holds the test server, so that it stays between files, and returns its exit code.
 *
 * Signals are forwarded; the server is released when the tests have ended, for any reason.
 */
export async function runTests(args: readonly string[]): Promise<number> {
  using stop = listenForStop()
  try {
    const { host, port, external } = await testPostgres()
    console.error(`test server on ${host}:${port}${external ? ' (from TEST_DATABASE_ADMIN_URL)' : ''}`)
    if (stop.signal.aborted) return 130
    const child = Bun.spawn([process.execPath, 'test', `--timeout=${timeoutMs}`, ...args], {
      cwd: repositoryRoot,
      env: { ...ownEnvironment(), NODE_ENV: 'test' },
      stdio: ['inherit', 'inherit', 'inherit'],
    })
    stop.signal.addEventListener('abort', () => child.kill('SIGINT'), { once: true })
    stop.forced.then(() => child.kill('SIGKILL'))
    return await child.exited
  } finally {
    await stopTestPostgres()
  }
}
