import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { startWorld } from './world.ts'

describe('other uses of a connection, on a cluster', () => {
  test('listen() follows the primary, and misses nothing silently', async () => {
    await using world = await startWorld({ standbys: 1 })
    const { cluster } = world
    const database = world.open()
    const seen: (number | 'reconnected')[] = []
    await database.listen('over', (payload) => void seen.push(Number(payload)), {
      onReconnected: () => void seen.push('reconnected'),
    })
    let isStopped = false
    let last = 0
    const notifying = (async () => {
      for (let n = 1; !isStopped; n++)
        await database.notify('over', `${n}`).then(
          () => (last = n),
          () => {},
        )
    })()
    await eventually(() => seen.length > 5)
    const [to] = cluster.standbys
    if (!to) throw new Error('no standby')
    await cluster.switchover(to)
    await eventually(() => seen.includes('reconnected') && typeof seen.at(-1) === 'number', {
      timeoutMs: 30_000,
    })
    isStopped = true
    await notifying
    await eventually(() => seen.at(-1) === last)
    const gaps = seen.filter((one, at) => {
      const before = seen[at - 1]
      return typeof one === 'number' && typeof before === 'number' && one !== before + 1
    })
    expect(gaps).toEqual([])
    // One that was turned away while the server was a standby may still be on its way out.
    await eventually(async () => {
      const listening = `select count(*)::int as n from pg_stat_activity where application_name = '${database.name} listen'`
      expect(await world.ask<{ n: number }>(to, listening)).toEqual([{ n: 1 }])
    })
  }, 120_000)

  test('stream() reads on a standby where reads go, and ends with the primary otherwise', async () => {
    await using world = await startWorld({ standbys: 1 })
    const { cluster } = world
    const database = world.open({ replicas: {} })
    const where = sql<{
      isStandby: boolean
    }>`select pg_is_in_recovery() as "isStandby" from generate_series(1, 1000)`
    await eventually(async () => {
      const seen = new Set<boolean>()
      for await (const { isStandby } of database.stream(where, { reads: true, batchSize: 100 }))
        seen.add(isStandby)
      expect([...seen]).toEqual([true])
    })
    const rows = database.stream(where, { batchSize: 10 })
    expect(await rows.next()).toEqual({ done: false, value: { isStandby: false } })
    const [to] = cluster.standbys
    if (!to) throw new Error('no standby')
    await cluster.switchover(to)
    const error = await (async () => {
      for await (const _ of rows);
    })().catch((thrown) => thrown)
    expect(error.cause).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'rolled-back' })
  }, 120_000)
})
