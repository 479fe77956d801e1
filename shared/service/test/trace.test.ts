import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { context, diag, metrics, propagation, trace } from '@opentelemetry/api'
import { startOtlpReceiver } from '@shared/telemetry/testing'
import { createServiceApp, tracedFetch } from '../src/index.ts'
import { startTelemetry } from '../src/trace/telemetry.ts'
import { createFakeDatabase } from './fake-database.ts'
import { keepLines } from './log-lines.ts'

/** Answers with the headers it was sent. */
let echo: Bun.Server<undefined>
beforeAll(() => {
  echo = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: ({ headers }) => Response.json(headers) })
})
afterAll(() => echo.stop(true))
afterEach(() => {
  for (const api of [trace, metrics, context, propagation, diag]) api.disable()
})

function createApp() {
  const log = keepLines()
  const app = createServiceApp({
    service: 'test',
    version: '1',
    database: createFakeDatabase().database,
    logger: log.logger,
  })
  app.get('/things/:id', async (c) => {
    const sent = (await (await tracedFetch(`${echo.url.origin}/there?canary`)).json()) as Record<
      string,
      string
    >
    return c.json({ traceparent: sent.traceparent, tracestate: sent.tracestate })
  })
  app.get('/fails', () => {
    throw Object.assign(new Error('Failed query: select canary'), { query: 'canary', params: ['canary'] })
  })
  return { app, log }
}

const traceId = 'a1'.repeat(16)
const spanId = 'b2'.repeat(8)

describe('without an SDK', () => {
  test.each([
    ['as it came', { traceparent: `00-${traceId}-${spanId}-01` }, `00-${traceId}-${spanId}-01`],
    ['not sampled', { traceparent: `00-${traceId}-${spanId}-00` }, `00-${traceId}-${spanId}-00`],
    ['of a later version', { traceparent: `01-${traceId}-${spanId}-01-more` }, `00-${traceId}-${spanId}-01`],
  ])('a traceparent %s is passed on and logged', async (_name, headers, passed) => {
    await startTelemetry('test', {}, keepLines().logger)
    const { app, log } = createApp()
    const answer = await app.request('/things/1', { headers })
    expect(await answer.json()).toEqual({ traceparent: passed })
    expect(log.lines()).toEqual([expect.objectContaining({ trace_id: traceId, span_id: spanId })])
  })

  test('a tracestate goes along with its traceparent, without members that are malformed', async () => {
    await startTelemetry('test', {}, keepLines().logger)
    const headers = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'one=1,Bad key=x,two@b=2' }
    const answer = await createApp().app.request('/things/1', { headers })
    expect(await answer.json()).toEqual({ traceparent: headers.traceparent, tracestate: 'one=1,two@b=2' })
  })

  test.each([
    ['no traceparent', undefined],
    ['an empty one', ''],
    ['a text', 'canary'],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['the version ff', `ff-${traceId}-${spanId}-01`],
    ['more than version 00 has', `00-${traceId}-${spanId}-01-more`],
    ['capital letters', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['two of them', `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
  ])('%s is no trace, nor is its tracestate', async (_name, traceparent) => {
    await startTelemetry('test', {}, keepLines().logger)
    const { app, log } = createApp()
    const headers = { ...(traceparent !== undefined && { traceparent }), tracestate: 'one=1' }
    expect(await (await app.request('/things/1', { headers })).json()).toEqual({})
    expect(log.lines()).toEqual([expect.not.objectContaining({ trace_id: expect.anything() })])
    expect(log.text()).not.toContain('canary')
  })
})

test('what another SDK has registered before stays as it is', async () => {
  const other = { inject: () => undefined, extract: <T>(value: T) => value, fields: () => ['other'] }
  propagation.setGlobalPropagator(other)
  await startTelemetry('test', {}, keepLines().logger)
  expect(propagation.fields()).toEqual(['other'])
})

test('OTEL_SDK_DISABLED wins over the endpoint', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: true }
  await startTelemetry('test', env, keepLines().logger)
  expect(trace.getTracer('test').startSpan('any').isRecording()).toBe(false)
})

test('a span says what was asked and how it ended: no query, no text of an error; polled routes have none', async () => {
  await using collector = startOtlpReceiver()
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
  const telemetry = await startTelemetry(
    'test',
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    keepLines().logger,
  )
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  const { app } = createApp()
  const host = 'http://shop.example:8001'
  await app.request(`${host}/things/1?q=canary`)
  await app.request(`${host}/fails`)
  await app.request(`${host}/nowhere`, { method: 'PURGE' })
  await app.request(`${host}/readyz`)
  await telemetry.stop()
  const shown = collector.spans().map(
    ({ kind, name, isError, events, attributes }): Record<string, unknown> => ({
      kind,
      name,
      isError,
      events,
      ...attributes,
    }),
  )
  const request = {
    kind: 'SERVER',
    isError: false,
    events: [],
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'server.address': 'shop.example',
    'server.port': 8001,
  }
  expect(shown.filter(({ kind }) => kind === 'SERVER')).toEqual([
    {
      ...request,
      name: 'GET /things/:id',
      'url.path': '/things/1',
      'http.route': '/things/:id',
      'http.response.status_code': 200,
    },
    {
      ...request,
      name: 'GET /fails',
      isError: true,
      'url.path': '/fails',
      'http.route': '/fails',
      'http.response.status_code': 500,
      'error.type': 'internal',
    },
    {
      ...request,
      name: 'HTTP',
      'http.request.method': '_OTHER',
      'url.path': '/nowhere',
      'http.response.status_code': 404,
    },
  ])
  expect(shown.filter(({ kind }) => kind === 'CLIENT')).toEqual([
    {
      kind: 'CLIENT',
      name: 'GET',
      isError: false,
      events: [],
      'http.request.method': 'GET',
      'url.full': `${echo.url.origin}/there`,
      'server.address': '127.0.0.1',
      'server.port': echo.port,
      'http.response.status_code': 200,
    },
  ])
  expect(collector.text()).not.toContain('canary')
})

test('a call that fails is an error, by its code', async () => {
  await using collector = startOtlpReceiver()
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
  const telemetry = await startTelemetry(
    'test',
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    keepLines().logger,
  )
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  await tracedFetch('http://user:canary@127.0.0.1:9/').catch(() => undefined)
  await tracedFetch(echo.url, { signal: AbortSignal.abort() }).catch(() => undefined)
  await telemetry.stop()
  expect(collector.spans().map(({ isError, attributes }) => [isError, attributes['error.type']])).toEqual([
    [true, 'ECONNREFUSED'],
    [true, 'AbortError'],
  ])
  expect(collector.text()).not.toContain('canary')
})
