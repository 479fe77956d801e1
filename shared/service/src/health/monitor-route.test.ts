import { expect, test } from 'bun:test'
import type { Advice, Sample } from '@shared/monitor'
import { explainAdvice } from '@shared/monitor/explain'
import { createFakeDatabase, idlePool } from '../../test/fake-database.ts'
import { createLifecycle, createServiceApp } from '../index.ts'

const sample = (at: number): Sample => ({
  at,
  idle: 1,
  used: 2,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  behind: 0,
  max: Number.POSITIVE_INFINITY,
  checkouts: 3,
  statements: 4,
  waitP99Ms: null,
  useP50Ms: 1,
  useP99Ms: 2.5,
  failures: 0,
  connectionFailures: 0,
  health: { status: 'connected', latencyMs: 0.4 },
  lagMs: null,
})
const event = { type: 'lease-leaked', code: null, at: '2026-01-01T00:00:00.000Z', detail: 'held' } as const
const advice: Advice<'overflow'> = {
  code: 'overflow',
  level: 'info',
  measured: { periodMs: 60_000, share: 1, poolSize: 10, open: 14 },
  options: [{ option: 'poolSize', change: 'raise', value: 14 }],
}

function setUp() {
  const fake = createFakeDatabase({
    samples: [1_000, 2_000, 3_000].map(sample),
    events: [event],
    advice: [advice],
  })
  const lifecycle = createLifecycle('ready')
  const { database, monitor } = fake
  const context = { database, monitor, lifecycle, health: { details: 'always' } as const }
  return { ...fake, lifecycle, app: createServiceApp({ service: 'test', version: '1', ...context }) }
}

test('the monitor sends everything in one response, in the order in which it happened', async () => {
  const { app, calls } = setUp()
  const before = Date.now()
  const response = await app.request('/health/monitor')
  expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'no-store'])
  const body = (await response.json()) as Record<string, unknown>
  expect(body).toEqual({
    service: 'test',
    at: expect.any(Number),
    status: 'healthy',
    ready: true,
    database: { status: 'connected', latencyMs: 0.4, code: null },
    pool: idlePool,
    cluster: null,
    blockages: [],
    samples: [1_000, 2_000, 3_000].map((at) => ({ ...sample(at), max: null as never })),
    events: [event],
    advice: [{ ...advice, text: explainAdvice(advice) }],
  })
  expect(body.at).toBeGreaterThanOrEqual(before)
  expect(calls.details).toBe(0)
})

test.each([
  ['2000', [3_000]],
  ['0', [1_000, 2_000, 3_000]],
  ['3000', []],
])('since=%s gives what is newer', async (since, expected) => {
  const response = await setUp().app.request(`/health/monitor?since=${since}`)
  const { samples } = (await response.json()) as { samples: Sample[] }
  expect(samples.map(({ at }) => at)).toEqual(expected)
})

test.each(['', '-1', '1.5', '1e3', 'now', '9'.repeat(16)])('since=%s is refused', async (since) => {
  const response = await setUp().app.request(`/health/monitor?since=${since}`)
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    400,
    'invalid-request',
  ])
})

test('the monitor answers 200 also when the service is unhealthy, as it shows the reason', async () => {
  const { app, answers, lifecycle } = setUp()
  answers.probe = { status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED', checkedAt: '' }
  const send = async () => {
    const response = await app.request('/health/monitor')
    return { code: response.status, ...((await response.json()) as object) }
  }
  expect(await send()).toMatchObject({
    code: 200,
    status: 'unhealthy',
    ready: false,
    database: { status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' },
  })
  answers.probe = { status: 'connected', latencyMs: 1, code: null, checkedAt: '' }
  lifecycle.drain()
  expect(await send()).toMatchObject({ code: 200, status: 'healthy', ready: false })
})
