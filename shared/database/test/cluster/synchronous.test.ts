import { expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { findDatabaseError } from '../../src/index.ts'
import { startWorld } from './world.ts'

test('a write that was kept from waiting for its synchronous standby, to let others pass, is not called done', async () => {
  await using world = await startWorld({ standbys: 1, isSynchronous: true })
  const { cluster } = world
  const [standby] = cluster.standbys
  if (!standby) throw new Error('no standby')
  const database = world.open({ pool: { poolSize: 1, maxOverflow: 0, slowStatementMs: 500 } })
  // A text whose first run was slow has a connection for itself.
  for (let id = 0; id < 20; id++) await database.db.execute(sql`insert into writes values (${id}, ${1})`)
  await standby.freeze()
  const write = database.db.execute(sql`insert into writes values (${20}, ${1})`).then(
    () => 'done',
    (error: unknown) => (findDatabaseError(error) as { outcome?: string } | null)?.outcome,
  )
  const behind = database.db.execute(sql`select count(*)::int as n from writes`).then(([row]) => row)
  // The server has committed it, and nobody else has it.
  expect({ write: await write, behind: await behind }).toEqual({ write: 'unknown', behind: { n: 21 } })
  expect(database.status().counters.preemptions).toBe(1)
  standby.thaw()
}, 60_000)
