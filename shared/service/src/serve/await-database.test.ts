import { expect, test } from 'bun:test'
import { ConnectError } from '@shared/database'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { awaitDatabase } from './await-database.ts'

const refused = () => new ConnectError('refused', { driverCode: 'ECONNREFUSED' })

test('tries again until the database answers, with pauses that grow up to the longest and are jittered', async () => {
  let failures = 6
  const { database, calls } = createFakeDatabase({
    connect: () => (failures-- > 0 ? Promise.reject(refused()) : Promise.resolve()),
  })
  const delays: number[] = []
  const answered = await awaitDatabase({
    database,
    signal: new AbortController().signal,
    minDelayMs: 2,
    maxDelayMs: 8,
    onRetry: (_error, delayMs) => delays.push(delayMs),
  })
  expect({ answered, attempts: calls.connect, pauses: delays.length }).toEqual({
    answered: true,
    attempts: 7,
    pauses: 6,
  })
  for (const [index, base] of [2, 4, 8, 8, 8, 8].entries()) {
    expect(delays[index]).toBeGreaterThanOrEqual(base * 0.5)
    expect(delays[index]).toBeLessThanOrEqual(base * 1.5)
  }
})

test('stops waiting when the service is stopped', async () => {
  const stop = new AbortController()
  const { database, calls } = createFakeDatabase({ connect: () => Promise.reject(refused()) })
  const answered = await awaitDatabase({
    database,
    signal: stop.signal,
    minDelayMs: 60_000,
    onRetry: () => stop.abort(),
  })
  expect({ answered, attempts: calls.connect }).toEqual({ answered: false, attempts: 1 })
})

test('gives up at once when the server refuses for good', async () => {
  const error = new ConnectError('the role may not connect (42501)', { sqlState: '42501', retryable: false })
  const { database, calls } = createFakeDatabase({ connect: () => Promise.reject(error) })
  const waiting = awaitDatabase({ database, signal: new AbortController().signal })
  await expect(waiting).rejects.toMatchObject({
    name: 'StartFailure',
    exitCode: 1,
    message: error.message,
  })
  expect(calls.connect).toBe(1)
})

test.each(['53300', '57P03'])('keeps trying when the server answers %s', async (sqlState) => {
  let failures = 1
  const { database } = createFakeDatabase({
    connect: () =>
      failures-- > 0 ? Promise.reject(new ConnectError('later', { sqlState })) : Promise.resolve(),
  })
  expect(await awaitDatabase({ database, signal: new AbortController().signal, minDelayMs: 1 })).toBe(true)
})
