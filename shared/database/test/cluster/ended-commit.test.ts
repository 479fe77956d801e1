import { expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { findDatabaseError } from '../../src/index.ts'
import { startWorld } from './world.ts'

/**
 * A commit takes a tenth of a second, in which a backend can't be interrupted, and is logged behind its CommandComplete: there the
 * session ends, with 57P01, before the server is ready again.
 */
const slowCommits = {
  fsync: 'on',
  commit_delay: '100000',
  commit_siblings: '0',
  log_min_duration_statement: '0',
}

const committing = sql`select from pg_stat_activity where state = 'active' and query = 'commit'`

test('a transaction whose COMMIT the server had done when it was shut down is never repeated', async () => {
  await using world = await startWorld({ standbys: 1, settings: slowCommits })
  const { cluster } = world
  const database = world.open({ pool: { poolSize: 2, maxOverflow: 0 } })
  const admin = world.open({ name: 'admin', url: cluster.primary.adminUrl })
  await Promise.all([database.connect(), admin.connect()])
  await eventually(async () => database.hosts()[0]?.role === 'primary')
  const [to] = cluster.standbys
  if (!to) throw new Error('no standby')
  const outcome = database
    .transaction((tx) => tx.execute(sql`insert into writes values (1, 1)`))
    .then(
      () => 'done',
      (error: unknown) => (findDatabaseError(error) as { outcome?: string } | null)?.outcome,
    )
  await eventually(async () => ((await admin.db.execute(committing)) as unknown[]).length > 0, {
    intervalMs: 1,
  })
  await cluster.primary.stop()
  await cluster.promote(to)
  expect({ outcome: await outcome, rows: await world.ask(to, 'select id from writes') }).toEqual({
    outcome: 'unknown',
    rows: [{ id: 1 }],
  })
}, 120_000)
