import { describe, expect, test } from 'bun:test'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { createServiceApp, notFound, type ServiceContext } from '../index.ts'

function setUp(context: Partial<ServiceContext> = {}) {
  const { database, monitor } = createFakeDatabase()
  const app = createServiceApp({
    service: 'test',
    version: '1',
    database,
    monitor,
    health: { details: 'always' },
    ...context,
  })
  app.get('/things', (c) => c.json([], 200, { ETag: '"1"' }))
  app.post('/things', (c) => c.body(null, 204))
  app.delete('/things/:id', () => {
    throw notFound('thing')
  })
  return app
}

describe('OPTIONS', () => {
  test.each([
    ['/', 'GET, HEAD, OPTIONS'],
    ['/livez', 'GET, HEAD, OPTIONS'],
    ['/health/detailed', 'GET, HEAD, OPTIONS'],
    ['/things', 'GET, POST, HEAD, OPTIONS'],
    ['/things/7', 'DELETE, OPTIONS'],
  ])('at %s is 204 with Allow: %s', async (path, allow) => {
    const response = await setUp().request(path, { method: 'OPTIONS' })
    expect({
      status: response.status,
      allow: response.headers.get('Allow'),
      body: await response.text(),
    }).toEqual({ status: 204, allow, body: '' })
  })

  test('is 204 at every route', async () => {
    const app = setUp()
    const paths = app.routes.filter(({ method }) => method !== 'ALL').map(({ path }) => path)
    const answers = await Promise.all(
      paths.map(async (path) => [path, (await app.request(path, { method: 'OPTIONS' })).status]),
    )
    expect(answers).toEqual(paths.map((path) => [path, 204]))
  })

  test('at an address without a route is 404', async () => {
    const response = await setUp().request('/nothing', { method: 'OPTIONS' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'not-found' })
  })
})

test('HEAD answers like GET, without the body and with its length, at every route', async () => {
  const app = setUp()
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => app.fetch(request) })
  const paths = app.routes
    .filter(({ method }) => method === 'GET')
    .map(({ path }) => path.replace(':file', 'start.js'))
  expect(paths.length).toBeGreaterThan(5)
  const send = async (path: string, method: string) => {
    const response = await fetch(new URL(path, server.url), { method, headers: { 'X-Request-Id': 'same' } })
    const { date: _, ...headers } = Object.fromEntries(response.headers)
    return { path, status: response.status, headers, body: await response.text() }
  }
  for (const path of new Set(paths)) {
    const { body, ...answer } = await send(path, 'GET')
    const changing = path === '/health/detailed' || path === '/metrics'
    const length = changing ? expect.stringMatching(/^\d{3,}$/) : String(Buffer.byteLength(body))
    expect(await send(path, 'HEAD')).toEqual({
      ...answer,
      headers: { ...answer.headers, 'content-length': length },
      body: '',
    })
  }
})

describe('another origin', () => {
  const shop = 'https://shop.example'
  const corsOrigins = [shop, 'https://admin.example:8443']
  const send = (app: ReturnType<typeof setUp>, path: string, init: { method?: string } = {}, origin = shop) =>
    app.request(path, { ...init, headers: { Origin: origin } })
  const preflight = (app: ReturnType<typeof setUp>, path: string, origin = shop) =>
    app.request(path, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    })
  const crossOriginHeaders = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))

  test('gets no permission by default', async () => {
    const app = setUp()
    expect(crossOriginHeaders(await send(app, '/things'))).toEqual({})
    expect(crossOriginHeaders(await preflight(app, '/things'))).toEqual({})
  })

  test('that is named may read answers, problems too', async () => {
    const app = setUp({ corsOrigins })
    const answers = [
      await send(app, '/things'),
      await send(app, '/nothing'),
      await send(app, '/things/7', { method: 'DELETE' }),
      await send(app, '/things', { method: 'PUT' }),
    ]
    expect(
      answers.map((response) => [
        response.status,
        response.headers.get('Access-Control-Allow-Origin'),
        response.headers.get('Access-Control-Expose-Headers'),
        response.headers.get('Vary'),
      ]),
    ).toEqual(
      [200, 404, 404, 405].map((status) => [
        status,
        shop,
        'ETag,Idempotent-Replayed,Location,Retry-After,X-Request-Id',
        'Origin',
      ]),
    )
  })

  test('that is not named gets no permission', async () => {
    const app = setUp({ corsOrigins })
    for (const origin of [
      'https://evil.example',
      'https://shop.example.evil.example',
      'null',
      `${shop}:444`,
    ]) {
      const response = await send(app, '/things', {}, origin)
      expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(response.headers.get('Vary')).toBe('Origin')
      expect((await preflight(app, '/things', origin)).headers.get('Access-Control-Allow-Origin')).toBeNull()
    }
  })

  test('learns from a preflight the methods of the address and the headers it may send', async () => {
    const response = await preflight(setUp({ corsOrigins }), '/things')
    expect(response.status).toBe(204)
    expect(crossOriginHeaders(response)).toEqual({
      'access-control-allow-origin': shop,
      'access-control-allow-methods': 'GET,POST,HEAD,OPTIONS',
      'access-control-allow-headers':
        'Authorization,Content-Type,Idempotency-Key,If-Match,If-None-Match,X-Request-Id,traceparent,tracestate',
      'access-control-expose-headers': 'ETag,Idempotent-Replayed,Location,Retry-After,X-Request-Id',
      'access-control-max-age': '600',
    })
  })

  test('never sends cookies', async () => {
    const response = await preflight(setUp({ corsOrigins }), '/things')
    expect(response.headers.get('Access-Control-Allow-Credentials')).toBeNull()
  })
})
