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

const committing = sql`select pid from pg_stat_activity where state = 'active' and query = 'commit'`

test('a transaction whose COMMIT the server had done when it was shut down is never repeated', async () => {
  await using world = await startWorld({ standbys: 1, settings: slowCommits })
  const { cluster } = world
  const database = world.open({ pool: { poolSize: 2, maxOverflow: 0 } })
  const admin = world.open({ name: 'admin', url: cluster.primary.adminUrl })
  await Promise.all([database.connect(), admin.connect()])
  await eventually(async () => database.hosts()[0]?.role === 'primary')
  const [to] = cluster.standbys
  if (!to) throw new Error('no standby')
  const begin = (id: number) =>
    database
      .transaction((tx) => tx.execute(sql`insert into writes values (${id}, 1)`))
      .then(
        () => 'done',
        (error: unknown) => (findDatabaseError(error) as { outcome?: string } | null)?.outcome,
      )
  const backends = async () => (await admin.db.execute(committing)) as unknown as { pid: number }[]
  let id = 0
  // On a busy machine a commit may be over before it is seen: then another one is waited for.
  const { outcome, pid } = await eventually(
    async () => {
      const outcome = begin(++id)
      let isOver = false
      outcome.then(() => {
        isOver = true
      })
      while (!isOver) {
        const [seen] = await backends()
        if (!seen) continue
        process.kill(seen.pid, 'SIGSTOP')
        if ((await backends()).length > 0) return { outcome, pid: seen.pid }
        process.kill(seen.pid, 'SIGCONT')
        await outcome
      }
      throw new Error('the commit was over before it was seen')
    },
    { intervalMs: 0 },
  )
  // What a server that is shut down sends to each of its sessions: this one finds it when stop() lets it go on.
  process.kill(pid, 'SIGTERM')
  await cluster.primary.stop()
  await cluster.promote(to)
  const rows = await world.ask<{ id: number }>(to, 'select id from writes order by id')
  expect({ outcome: await outcome, rows: rows.map((row) => row.id) }).toEqual({
    outcome: 'unknown',
    rows: Array.from({ length: id }, (_, n) => n + 1),
  })
}, 300_000)
