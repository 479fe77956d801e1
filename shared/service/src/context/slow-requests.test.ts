import { afterAll, beforeAll, expect, setSystemTime, test } from 'bun:test'
import { context, propagation } from '@opentelemetry/api'
import { channels, type StatementMessage } from '@shared/database'
import { silentLogger } from '../log/logger.ts'
import { startTelemetry } from '../trace/telemetry.ts'
import { createSlowRequests, type RequestNames } from './slow-requests.ts'

beforeAll(async () => {
  await startTelemetry('test', {}, silentLogger())
})
afterAll(() => {
  for (const api of [context, propagation]) api.disable()
})

const namesOf = (requestId: string) => (): RequestNames => ({
  method: 'GET',
  route: '/',
  requestId,
  traceId: null,
})

/** As the layer does at the end of a statement. */
function publish(durationMs: number, text = `select ${durationMs}`): void {
  const message = {
    startedAt: performance.now(),
    waitMs: 0,
    durationMs,
    pid: 1,
    rows: 0,
    errorCode: null,
    text,
  }
  channels.statement.asyncEnd.publish(message as unknown as StatementMessage)
}

test('keeps the last 20 slow requests, and of those that failed at once the last 10 beside them', async () => {
  const all = createSlowRequests(0)
  for (let i = 0; i < 25; i++) await all.follow(async () => 200, namesOf(`slow ${i}`))
  const quick = createSlowRequests(60_000)
  for (let i = 0; i < 15; i++) await quick.follow(async () => 503, namesOf(`failed ${i}`))
  await quick.follow(async () => 404, namesOf('refused'))
  const thrown = quick.follow(() => Promise.reject(new Error('thrown')), namesOf('thrown'))
  expect(await thrown.catch(String)).toBe('Error: thrown')
  const ids = (from: typeof all) => from.list().map(({ requestId }) => requestId)
  expect({ slow: new Set(ids(all)), failed: new Set(ids(quick)) }).toEqual({
    slow: new Set(Array.from({ length: 20 }, (_, i) => `slow ${i + 5}`)),
    failed: new Set(['thrown', ...Array.from({ length: 9 }, (_, i) => `failed ${i + 6}`)]),
  })
  all.stop()
  quick.stop()
})

test('keeps the 40 longest statements of a request and counts the others, and cuts a text that is endless', async () => {
  const slow = createSlowRequests(0)
  await slow.follow(async () => {
    for (let i = 1; i <= 500; i++) publish(i === 250 ? 10_000 : i, i === 250 ? 'x'.repeat(5_000) : undefined)
    return 200
  }, namesOf('many'))
  const [request] = slow.list()
  const lengths = request?.spans.map(({ durationMs }) => durationMs) ?? []
  expect({
    omitted: request?.omitted,
    spans: lengths.length,
    shortest: Math.min(...lengths),
    longest: Math.max(...lengths),
    text: request?.spans.find(({ durationMs }) => durationMs === 10_000)?.statement?.slice(4_090),
  }).toEqual({
    omitted: 460,
    spans: 40,
    shortest: 462,
    longest: 10_000,
    text: 'xxxxxx… (904 more characters)',
  })
  slow.stop()
})

test('takes each statement for the request that it is part of, and none that ends after it or outside of all', async () => {
  const slow = createSlowRequests(0)
  const late = Promise.withResolvers<void>()
  const background: Promise<void>[] = []
  const request = (id: string, ms: number) =>
    slow.follow(async () => {
      background.push(late.promise.then(() => publish(99)))
      await Promise.resolve()
      publish(ms)
      return 200
    }, namesOf(id))
  publish(98)
  await Promise.all([request('one', 1), request('other', 2)])
  late.resolve()
  await Promise.all(background)
  const seen = slow
    .list()
    .map(({ requestId, spans }) => [requestId, ...spans.map(({ durationMs }) => durationMs)])
  expect(seen.toSorted()).toEqual([
    ['one', 1],
    ['other', 2],
  ])
  slow.stop()
})

test('says when a request began, whatever the clock did meanwhile, and lists the newest first, also of one ms', async () => {
  const began = new Date('2026-01-01T00:00:00.000Z')
  const all = createSlowRequests(0)
  for (const id of ['first', 'second', 'third']) {
    setSystemTime(began)
    await all.follow(async () => {
      setSystemTime(new Date(began.getTime() + 5_000))
      return 200
    }, namesOf(id))
  }
  setSystemTime()
  expect(all.list().map(({ requestId, at }) => [requestId, at])).toEqual(
    ['third', 'second', 'first'].map((id) => [id, began.toISOString()]),
  )
  all.stop()
})

test('one that has stopped listens to nothing', () => {
  const slow = createSlowRequests(0)
  const { statement, transaction, connect } = channels
  const heard = () => [statement, transaction, connect].map(({ asyncEnd }) => asyncEnd.hasSubscribers)
  const before = heard()
  slow.stop()
  expect([before, heard()]).toEqual([
    [true, true, true],
    [false, false, false],
  ])
})
