import { afterAll, expect, spyOn, test } from 'bun:test'
import { ConnectError } from '@shared/pool'
import { eventually } from '@shared/postgres/testing'
import type { SqlConnection } from './sql-connection.ts'
import { StallWatch } from './stall-watch.ts'

const stallAfterMs = 100

// The silence is the test's to say: the looks come as they do.
let now = 1_000
const clock = spyOn(performance, 'now').mockImplementation(() => now)
afterAll(() => clock.mockRestore())

test('a long statement outlives a look that reaches no server, and not a time without any that does', async () => {
  const silentSince = now
  const connection = {
    host: { name: 'db', port: 5432 },
    pid: 7,
    backendStartedAt: 'then',
    bytesRead: 0,
    silentForMs: (at: number) => at - silentSince,
  } as unknown as SqlConnection
  let looks = 0
  let isThere = true
  const stalled: SqlConnection[] = []
  const watch = new StallWatch({
    stallAfterMs,
    connections: () => [connection],
    async look() {
      looks++
      if (!isThere) throw new ConnectError('no answer', { driverCode: 'CONNECT_TIMEOUT' })
      return [{ pid: 7, startedAt: 'then', state: 'active', waitEventType: 'Timeout', quietMs: 0 }]
    },
    onStalled: (found) => stalled.push(...found.map((one) => one.connection)),
  })
  const looked = async (count: number) => {
    const before = looks
    await eventually(() => looks >= before + count)
  }
  now += 60_000
  watch.start()
  await looked(1)
  isThere = false
  now += 60_000
  await looked(2)
  now += stallAfterMs - 1
  await looked(2)
  const afterSome = stalled.length
  isThere = true
  await looked(1)
  isThere = false
  now += 60_000
  await looked(2)
  const afterAnother = stalled.length
  now += stallAfterMs
  await eventually(() => stalled.length > 0)
  watch.stop()
  expect({ afterSome, afterAnother, stalled: stalled.length }).toEqual({
    afterSome: 0,
    afterAnother: 0,
    stalled: 1,
  })
})

test('an answer that trickles in is life, also where no server can be reached to ask', async () => {
  const connection = { host: { name: 'db', port: 5432 }, pid: 7, bytesRead: 0, silentForMs: () => 60_000 }
  const stalled: SqlConnection[] = []
  let looks = 0
  let isTrickling = true
  const watch = new StallWatch({
    stallAfterMs,
    connections: () => [connection as unknown as SqlConnection],
    async look() {
      looks++
      now += stallAfterMs
      if (isTrickling) connection.bytesRead++
      throw new ConnectError('no answer', { driverCode: 'CONNECT_TIMEOUT' })
    },
    onStalled: (found) => stalled.push(...found.map((one) => one.connection)),
  })
  watch.start()
  await eventually(() => looks >= 5 || stalled.length > 0)
  const meanwhile = stalled.length
  isTrickling = false
  await eventually(() => stalled.length > 0)
  watch.stop()
  expect({ meanwhile, afterwards: stalled.length }).toEqual({ meanwhile: 0, afterwards: 1 })
})
