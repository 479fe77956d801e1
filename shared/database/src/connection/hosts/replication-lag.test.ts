import { expect, test } from 'bun:test'
import { ReplicationLag } from './replication-lag.ts'

test('a standby is as old as the newest position of the primary that it has replayed', () => {
  const lag = new ReplicationLag()
  const unknown = lag.of(100n, 0)
  lag.note(100n, 1_000)
  lag.note(200n, 2_000)
  lag.note(300n, 3_000)
  expect({
    'before the primary was asked': unknown,
    'has all': lag.of(300n, 3_100),
    'is ahead of the last question': lag.of(350n, 3_100),
    'has what there was at 2 000': lag.of(250n, 3_100),
    'has what there was at 1 000': lag.of(100n, 3_100),
    'has less than the first question found': lag.of(50n, 3_100),
  }).toEqual({
    'before the primary was asked': null,
    'has all': 0,
    'is ahead of the last question': 0,
    'has what there was at 2 000': 1_100,
    'has what there was at 1 000': 2_100,
    'has less than the first question found': 2_100,
  })
})

test('a primary that nobody writes to leaves no standby behind', () => {
  const lag = new ReplicationLag()
  lag.note(100n, 1_000)
  lag.note(100n, 60_000)
  lag.note(200n, 61_000)
  expect(lag.of(100n, 61_500)).toBe(1_500)
})

test('a promoted standby that had less begins anew', () => {
  const lag = new ReplicationLag()
  lag.note(100n, 1_000)
  lag.note(500n, 2_000)
  lag.note(300n, 3_000)
  expect([lag.of(300n, 3_500), lag.of(200n, 3_500)]).toEqual([0, 2_500])
})
