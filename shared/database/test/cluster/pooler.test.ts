import { describe, expect, test } from 'bun:test'
import { eventually, pgBouncerPrograms, startFaultProxy, startPgBouncer } from '@shared/postgres/testing'
import { audit, startLoad, startWorld } from './world.ts'

const programs = pgBouncerPrograms()

describe.skipIf(programs.length === 0)('behind a PgBouncer in front of a cluster', () => {
  test.each(programs.map((program) => [program.version, program] as const))(
    '%s writes go on at the new primary, and nothing is lost or done twice',
    async (_, program) => {
      await using world = await startWorld({ standbys: 1 })
      const { cluster } = world
      const [to] = cluster.standbys
      if (!to) throw new Error('no standby')
      // What a name, or HAProxy, is in front of a cluster: it leads to the primary of the moment.
      const target = { host: cluster.primary.host, port: cluster.primary.port }
      await using address = await startFaultProxy({ target })
      const url = new URL(cluster.primary.url(world.migratorUrl))
      const app = world.url.replace(/@[^/]*\//, `@${url.host}/`)
      await using pooler = await startPgBouncer({
        program,
        urls: [address.url(app)],
        settings: { pool_mode: 'transaction', server_login_retry: '0.5' },
      })
      const database = world.open({ url: pooler.url(app), pool: { poolSize: 10, maxOverflow: 0 } })
      const load = startLoad(database)
      await eventually(() => load.tally.written.size > 200)
      await cluster.switchover(to)
      target.port = to.port
      const before = load.tally.written.size
      await eventually(() => load.tally.written.size > before + 200)
      await load.stop()
      const rows = await world.ask<{ id: number }>(to, 'select id from writes')
      expect(audit(load.tally, rows)).toEqual({ lost: 0, twice: 0, invented: 0 })
      expect(database.status().counters.defects).toBe(0)
    },
    120_000,
  )
})
