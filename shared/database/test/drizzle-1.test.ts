import { beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { testPostgres } from '@shared/postgres/testing'

const folder = join(import.meta.dir, '..')

/** What must hold on either drizzle-orm. Files that are about something else than Drizzle's way in are left out. */
const suites = [
  'conformance',
  'drizzle-surface.test.ts',
  'drizzle-version.test.ts',
  'transactions.test.ts',
  'retries.test.ts',
  'within.test.ts',
  'database.test.ts',
  'prepared.test.ts',
  'plans.test.ts',
  'new-types.test.ts',
  'changing-types.test.ts',
  'session-state.test.ts',
  'sharing.test.ts',
  'tracing',
  'uses',
  'migrate.test.ts',
  'own-definitions.test.ts',
  'cluster/cached-reads.test.ts',
]

const suiteTimeoutMs = 300_000

/** Runs a suite of this folder where `drizzle-orm` is the other version that is installed, and sums up what came out. */
async function runSuite(suite: string) {
  const child = Bun.spawn(
    [
      process.execPath,
      'test',
      '--timeout=60000',
      '--tsconfig-override=shared/database/tsconfig.drizzle-1.json',
      join(folder, 'test', suite),
    ],
    {
      cwd: join(folder, '../..'),
      env: { ...process.env, EXPECTED_DRIZZLE: '1.' },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: suiteTimeoutMs,
    },
  )
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const output = `${out}${err}`
  const failed = output.split('\n').filter((line) => line.startsWith('(fail)'))
  const passed = Number(/^ *(\d+) pass$/m.exec(output)?.[1] ?? 0)
  return { exitCode, failed: [...new Set(failed)], passed, output }
}

// Held here, so that it is not started anew for each of them.
beforeAll(async () => void (await testPostgres()), 60_000)

describe('on drizzle-orm 1.0', () => {
  test.each(suites)(
    '%s passes',
    async (suite) => {
      const { exitCode, failed, passed, output } = await runSuite(suite)
      expect({ exitCode, failed, ranTests: passed > 0 }, output).toEqual({
        exitCode: 0,
        failed: [],
        ranTests: true,
      })
    },
    300_000,
  )
})
