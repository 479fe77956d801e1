import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createObserver } from '@shared/console'
import { renderReport } from '../src/reports/connections.ts'
import { readServiceHealth, renderHealth } from '../src/reports/health.ts'
import { summarise } from '../src/reports/status-summary.ts'
import { renderStatus } from '../src/reports/status-table.ts'
import { composeEnvironments } from '../src/workspace/service-environment.ts'
import { findServices } from '../src/workspace/services.ts'

const hostile = 'x\r\nFAKE\u001b[2J\u009b2J\u0000\u202e\u2028\u007f'
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** A program that answers in a service's place, with what it likes in every text. */
const pool = {
  poolSize: 1,
  maxOverflow: 0,
  total: 1,
  idle: 1,
  checkedOut: 0,
  overflow: 0,
  connecting: 0,
  waiting: 0,
}
const answers: Record<string, object> = {
  '/readyz': { status: hostile },
  '/health': {
    service: 'auth',
    status: 'degraded',
    reasons: [hostile],
    database: { status: hostile, code: hostile, latencyMs: 1 },
  },
  '/health/detailed': { pool },
  '/health/monitor': {
    service: 'auth',
    at: 1,
    status: 'degraded',
    ready: true,
    database: { status: 'connected', latencyMs: 1, code: hostile },
    pool: { ...pool, oldestLeaseMs: null, longestWaitMs: null },
    cluster: {
      hosts: [{ host: hostile, role: 'primary', timeline: 1, lagMs: null, code: hostile }],
      replicas: [],
    },
    samples: [],
    events: [{ type: hostile, code: hostile, at: '2026-01-01T00:00:00.000Z', detail: hostile }],
    advice: [{ level: 'info', code: hostile, text: hostile }],
  },
}
let server: Bun.Server<undefined>
/** For an answer. */
const patienceMs = 60_000

beforeAll(() => {
  server = Bun.serve({ port: 0, fetch: ({ url }) => Response.json(answers[new URL(url).pathname] ?? {}) })
})
afterAll(() => server.stop(true))

const lines = (text: string): string[] => text.split('\n')

test('bun run health prints nothing that a terminal would obey', async () => {
  const [auth] = composeEnvironments(await findServices(['auth']))
  if (auth === undefined) throw new Error('there is no service auth')
  const environment = { ...auth.environment, HOST: '127.0.0.1', PORT: String(server.port) }
  const health = await readServiceHealth({ ...auth, environment }, patienceMs)
  const printed = lines(Bun.stripANSI(renderHealth([health])))
  expect({ lines: printed.length, hidden: printed.some((line) => hidden.test(line)) }).toEqual({
    lines: 2,
    hidden: false,
  })
})

test('bun run status prints nothing that a terminal would obey', async () => {
  const observer = createObserver(
    { name: 'auth', url: `http://127.0.0.1:${server.port}` },
    { timeoutMs: patienceMs },
  )
  await observer.poll()
  const summary = summarise(observer.view(), 1)
  const paint = (_colour: unknown, text: string): string => text
  const printed = renderStatus([summary], { width: 100, paint, now: 1 })
  expect(printed).toContain('FAKE')
  expect(lines(printed).filter((line) => hidden.test(line) || line.startsWith('FAKE'))).toEqual([])
})

test('bun run connections prints nothing that a terminal would obey', () => {
  const texts = { host: hostile, database: hostile, user: hostile }
  const report = { service: 'auth', port: 1, ...texts, latencyMs: null, version: hostile }
  const printed = [
    renderReport({ ...report, connected: true, code: null, reason: null }, 4),
    renderReport({ ...report, connected: false, code: hostile, reason: `one\r\u001b[2J\ntwo` }, 4),
  ].map((text) => lines(Bun.stripANSI(text)))
  expect(printed.map((text) => text.length)).toEqual([1, 3])
  expect(printed.flat().filter((line) => hidden.test(line))).toEqual([])
})
