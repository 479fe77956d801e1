import { stopTestPostgres, testPostgres } from '@shared/postgres/testing'
import { ownEnvironment } from './service-environment.ts'
import { listenForStop } from './stop-request.ts'
import { repositoryRoot } from './workspace.ts'

/**
 * Runs `bun test` while this process holds the test server, so that it stays between files, and returns its exit code.
 *
 * A signal is handed on; the server is released when the tests have ended, however they ended.
 */
export async function runTests(args: readonly string[]): Promise<number> {
  using stop = listenForStop()
  try {
    const { host, port, external } = await testPostgres()
    console.error(`test server on ${host}:${port}${external ? ' (yours, by TEST_DATABASE_ADMIN_URL)' : ''}`)
    if (stop.signal.aborted) return 130
    const child = Bun.spawn([process.execPath, 'test', ...args], {
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
