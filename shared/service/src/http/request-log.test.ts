import { describe, expect, test } from 'bun:test'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { keepLines } from '../../test/log-lines.ts'
import { createLifecycle, type Lifecycle } from '../context/lifecycle.ts'
import { createServiceApp, Problem } from '../index.ts'

function setUp(options: { lifecycle?: Lifecycle } = {}) {
  const log = keepLines()
  const { database, monitor, answers } = createFakeDatabase()
  const { logger } = log
  const app = createServiceApp({ service: 'test', version: '1', database, monitor, logger, ...options })
  app.delete('/things/:id', (c) => c.body(null, 204))
  app.post('/things', () => {
    throw new Problem({ status: 409, code: 'thing-taken', detail: 'There is such a thing.' })
  })
  app.get('/elsewhere', () => {
    const cause = Object.assign(new Error('connect to http://10.0.0.7/canary'), { code: 'ECONNREFUSED' })
    throw new Problem({ status: 503, code: 'elsewhere-unavailable', detail: 'It is unavailable.', cause })
  })
  app.get('/broken', () => {
    throw new Error('postgres://app:canary-password@db/auth_db is broken')
  })
  return { app, log, answers, monitor }
}

describe('the request log', () => {
  test('writes one line per request with method, path, status, duration and request id, and no query', async () => {
    const { app, log } = setUp()
    await app.request('/things/7?token=canary', { method: 'DELETE', headers: { 'X-Request-Id': 'r-1' } })
    expect(log.lines()).toEqual([
      {
        level: 'info',
        time: expect.any(String),
        service: 'test',
        method: 'DELETE',
        path: '/things/7',
        status: 204,
        durationMs: expect.any(Number),
        requestId: 'r-1',
        msg: 'DELETE /things/7 204',
      },
    ])
  })

  test('names an error by class and place, at level error, without URLs', async () => {
    const { app, log } = setUp()
    await app.request('/broken')
    expect(log.lines()).toEqual([
      expect.objectContaining({
        level: 'error',
        status: 500,
        err: {
          class: 'Error',
          message: '[url] is broken',
          frames: expect.arrayContaining([expect.stringContaining('request-log.test.ts')]),
        },
      }),
    ])
    expect(log.text()).not.toContain('canary')
  })

  test('names the cause of a problem by its code', async () => {
    const { app, log } = setUp()
    await app.request('/elsewhere')
    expect(log.lines()).toEqual([
      expect.objectContaining({
        level: 'error',
        status: 503,
        code: 'elsewhere-unavailable',
        err: expect.objectContaining({ class: 'Problem', cause: 'ECONNREFUSED' }),
      }),
    ])
    expect(log.text()).not.toContain('canary')
  })

  test('names the rule that a refused request broke, and no stack', async () => {
    const { app, log } = setUp()
    await app.request('/things', { method: 'POST' })
    expect(log.lines()).toEqual([
      expect.objectContaining({ level: 'info', status: 409, code: 'thing-taken' }),
    ])
    expect(log.lines()[0]).not.toHaveProperty('err')
  })

  test.each(['/livez', '/readyz', '/health', '/health/detailed'])('leaves %s out', async (path) => {
    const { app, log } = setUp()
    for (let times = 0; times < 3; times++) await app.request(path)
    expect(log.lines()).toEqual([])
  })

  test('has one line when a health route begins to fail and one when it has recovered', async () => {
    const { app, log, answers } = setUp()
    const { probe } = answers
    answers.probe = { ...probe, status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' }
    for (let times = 0; times < 3; times++) await app.request('/readyz')
    answers.probe = probe
    for (let times = 0; times < 3; times++) await app.request('/readyz')
    expect(log.lines().map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'GET /readyz 503'],
      ['info', 'GET /readyz 200'],
    ])
  })

  test('has no line of a health route while the service starts or drains: it is meant not to be ready then', async () => {
    const lifecycle = createLifecycle()
    const { app, log } = setUp({ lifecycle })
    const statuses = [(await app.request('/readyz')).status]
    lifecycle.ready()
    statuses.push((await app.request('/readyz')).status)
    lifecycle.drain()
    statuses.push((await app.request('/readyz')).status)
    expect({ statuses, lines: log.lines() }).toEqual({ statuses: [503, 200, 503], lines: [] })
  })

  test('reports a health route that threw as an error', async () => {
    const { app, log, monitor } = setUp()
    monitor.health.check = () => Promise.reject(new Error('the probe is broken'))
    for (let times = 0; times < 3; times++) await app.request('/health')
    expect(log.lines()).toEqual([
      expect.objectContaining({
        level: 'error',
        msg: 'GET /health 500',
        err: expect.objectContaining({ message: 'the probe is broken' }),
      }),
    ])
  })

  test('has a path whole up to 2000 characters, of a longer one how many are left out', async () => {
    const { app, log } = setUp()
    for (const length of [1_999, 4_999]) await app.request(`/${'x'.repeat(length)}`)
    expect(log.lines().map(({ path }) => path)).toEqual([
      `/${'x'.repeat(1_999)}`,
      `/${'x'.repeat(1_999)}… (3000 more characters)`,
    ])
  })
})
