import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { countTests, runOnNode } from '@shared/pool/testing/node'
import { testPostgres } from '@shared/postgres/testing'

const folder = join(import.meta.dir, '..')
const preload = [join(folder, '../postgres/test/preload.ts')]

// Which of the two is for the installed drizzle-orm is known at run time only.
const replace = { '`./${folder}/variant.ts`': "'./drizzle-0.45/variant.ts'" }

/** What must hold on Node too, by what it is about. Files that start programs of their own with Bun are left out. */
const suites = {
  'a query': [
    'test/conformance/conformance.test.ts',
    'test/drizzle-surface.test.ts',
    'test/prepared.test.ts',
    'test/plans.test.ts',
    'test/new-types.test.ts',
    'test/sharing.test.ts',
  ],
  transactions: [
    'test/transactions.test.ts',
    'test/retries.test.ts',
    'test/within.test.ts',
    'test/deadlines.test.ts',
    'test/session-state.test.ts',
  ],
  'the network': [
    'src/connection/network/dial.test.ts',
    'src/connection/login/channel-binding.test.ts',
    'src/connection/login/log-in.test.ts',
    'src/connection/login/pass-file.test.ts',
    'test/login.test.ts',
    'test/password-file.test.ts',
    'test/tls.test.ts',
    'test/tls-client.test.ts',
  ],
  faults: [
    'test/database.test.ts',
    'test/faults.test.ts',
    'test/frozen.test.ts',
    'test/stalled.test.ts',
    'test/observe.test.ts',
    'test/watch.test.ts',
  ],
}

describe('on Node', () => {
  test.each(Object.entries(suites))(
    'every test of %s passes',
    async (_, paths) => {
      const files = paths.map((path) => join(folder, path))
      const { adminUrl } = await testPostgres()
      const environment = { TEST_DATABASE_ADMIN_URL: adminUrl }
      const [summary, tests] = await Promise.all([
        runOnNode({ files, preload, environment, replace, limitMs: 280_000 }),
        countTests(files),
      ])
      expect(summary).toEqual({ exitCode: 0, failures: [], tests, pass: tests, skipped: 0 })
    },
    300_000,
  )
})
