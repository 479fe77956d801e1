import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { createFakeDatabase } from '../test/fake-database.ts'
import { createLifecycle, createServiceApp, notFound, validate } from './index.ts'

const thing = z.strictObject({ name: z.string().max(20), tags: z.array(z.string()).optional() })

function setUp() {
  const lifecycle = createLifecycle('ready')
  const { database } = createFakeDatabase()
  const app = createServiceApp({
    service: 'test',
    version: '1.2.3',
    database,
    lifecycle,
    maxBodyBytes: 1000,
  })
  app.post('/things', validate('json', thing), (c) => c.json(c.req.valid('json'), 201))
  app.get('/things/:id', () => {
    throw notFound('thing')
  })
  app.delete('/things/:id', (c) => c.body(null, 204))
  app.get('/broken', () => {
    throw new Error('postgres://app:canary-password@db/auth_db is broken')
  })
  return { app, lifecycle }
}

const jsonHeaders = { 'Content-Type': 'application/json' }

async function problemOf(response: Response) {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  const body = (await response.json()) as Record<string, unknown>
  expect(body).toMatchObject({ type: 'about:blank', status: response.status, instance: expect.any(String) })
  expect(body.requestId).toBe(response.headers.get('X-Request-Id'))
  return body
}

describe('problem details', () => {
  test('an unknown address is 404', async () => {
    const { app } = setUp()
    const response = await app.request('/nothing/here')
    expect(response.status).toBe(404)
    expect(await problemOf(response)).toMatchObject({
      title: 'Not Found',
      code: 'not-found',
      instance: '/nothing/here',
    })
  })

  test('a wrong method is 405 and Allow names the right ones', async () => {
    const { app } = setUp()
    const response = await app.request('/things/1', { method: 'PUT' })
    expect({ status: response.status, allow: response.headers.get('Allow') }).toEqual({
      status: 405,
      allow: 'GET, HEAD, DELETE, OPTIONS',
    })
    expect((await problemOf(response)).code).toBe('method-not-allowed')
  })

  test('a 404 thrown by a route stays a 404', async () => {
    const { app } = setUp()
    const response = await app.request('/things/1')
    expect(response.status).toBe(404)
    expect((await problemOf(response)).code).toBe('thing-not-found')
  })

  test.each<[string, RequestInit, number, string]>([
    ['malformed JSON', { body: '{"name":', headers: jsonHeaders }, 400, 'malformed-json'],
    [
      'another content type',
      { body: 'name=x', headers: { 'Content-Type': 'text/plain' } },
      415,
      'unsupported-media-type',
    ],
    ['a form', { body: new URLSearchParams({ name: 'x' }) }, 415, 'unsupported-media-type'],
    [
      'a body too large',
      { body: JSON.stringify({ name: 'x'.repeat(1000) }), headers: jsonHeaders },
      413,
      'body-too-large',
    ],
    [
      'a body too large by its announced length',
      { body: '{}', headers: { ...jsonHeaders, 'Content-Length': '1001' } },
      413,
      'body-too-large',
    ],
    ['no body', {}, 400, 'invalid-request'],
  ])('%s is refused', async (_name, init, status, code) => {
    const { app } = setUp()
    const response = await app.request('/things', { method: 'POST', ...init })
    expect(response.status).toBe(status)
    expect((await problemOf(response)).code).toBe(code)
  })

  test('invalid fields are named one by one, without their values', async () => {
    const { app } = setUp()
    const body = JSON.stringify({ name: 'canary'.repeat(10), tags: ['x', 1], price: 2, size: 3 })
    const response = await app.request('/things', { method: 'POST', body, headers: jsonHeaders })
    const problem = await problemOf(response)
    expect(response.status).toBe(400)
    expect(problem.errors).toEqual([
      { in: 'json', path: 'name', message: expect.any(String) },
      { in: 'json', path: 'tags.1', message: expect.any(String) },
      { in: 'json', path: 'price', message: 'is not a known field' },
      { in: 'json', path: 'size', message: 'is not a known field' },
    ])
    expect(JSON.stringify(problem)).not.toContain('canary')
  })

  test.each([
    ['NUL', 'a\u0000b'],
    ['a broken surrogate', 'a\ud800b'],
  ])('text with %s is refused wherever it is', async (_name, text) => {
    const { app } = setUp()
    const body = JSON.stringify({ name: 'x', tags: ['fine', text] })
    const response = await app.request('/things', { method: 'POST', body, headers: jsonHeaders })
    expect(response.status).toBe(400)
    expect((await problemOf(response)).errors).toEqual([
      { in: 'json', path: 'tags.1', message: 'must not contain NUL or broken Unicode' },
    ])
  })

  test('an unexpected error is 500 with the request id and nothing else', async () => {
    const { app } = setUp()
    const response = await app.request('/broken')
    const problem = await problemOf(response)
    expect({ status: response.status, code: problem.code }).toEqual({ status: 500, code: 'internal' })
    expect(JSON.stringify(problem)).not.toContain('canary')
  })
})

describe('every response', () => {
  test('carries the request id it was sent, or a new one when that is unusable', async () => {
    const { app } = setUp()
    const id = async (given: string) =>
      (await app.request('/', { headers: { 'X-Request-Id': given } })).headers.get('X-Request-Id')
    expect(await id('from-the-gateway-1')).toBe('from-the-gateway-1')
    expect(await id('two words; and\tmore')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('carries a new request id instead of one longer than 255 characters', async () => {
    const { app } = setUp()
    const response = await app.request('/', { headers: { 'X-Request-Id': 'x'.repeat(256) } })
    expect(response.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test.each(['/', '/livez', '/things/1', '/nothing', '/broken'])(
    'carries the headers that an API needs, errors too: %s',
    async (path) => {
      const { app } = setUp()
      const { headers } = await app.request(path)
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy':
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'strict-transport-security': 'max-age=15552000; includeSubDomains',
      })
    },
  )

  test('closes its connection while draining, and only then', async () => {
    const { app, lifecycle } = setUp()
    expect((await app.request('/')).headers.get('Connection')).toBeNull()
    lifecycle.drain()
    expect((await app.request('/')).headers.get('Connection')).toBe('close')
  })
})

test('responses are held back while draining until they are released', async () => {
  const { app, lifecycle } = setUp()
  lifecycle.drain()
  const release = lifecycle.hold()
  let answered = false
  const response = Promise.resolve(app.request('/')).then(({ status }) => {
    answered = true
    return status
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(answered).toBe(false)
  release()
  expect(await response).toBe(200)
  expect((await app.request('/')).status).toBe(200)
})

test('the index lists name, version, links and every route once', async () => {
  const { app } = setUp()
  const index = (await (await app.request('/')).json()) as { routes: unknown[] }
  expect(index).toMatchObject({
    service: 'test',
    version: '1.2.3',
    links: { health: '/health', ready: '/readyz' },
  })
  expect(index.routes).toContainEqual({ method: 'DELETE', path: '/things/:id' })
  expect(new Set(index.routes.map((route) => JSON.stringify(route))).size).toBe(index.routes.length)
})
