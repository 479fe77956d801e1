import { formatDuration } from '@shared/monitor/duration'
import { showHiddenIn } from '@shared/monitor/plain-text'
import { paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/text.ts'
import { baseUrl, type ServiceSetup } from '../workspace/service-environment.ts'

/** The health of one service; null where it does not report a value. */
export interface ServiceHealth {
  readonly service: string
  readonly url: string
  readonly status: 'healthy' | 'degraded' | 'unhealthy' | 'unreachable'
  /** The status of `/readyz`: ready, starting, draining … */
  readonly readiness: string | null
  readonly database: {
    readonly status: string
    readonly latencyMs: number | null
    readonly code: string | null
  } | null
  readonly pool: { readonly checkedOut: number; readonly total: number; readonly waiting: number } | null
  readonly reasons: readonly string[]
}

interface Answer {
  readonly ok: boolean
  readonly body: Record<string, unknown>
}

/** Reads the health of a running service; never throws. */
export async function readServiceHealth(setup: ServiceSetup, timeoutMs: number): Promise<ServiceHealth> {
  const url = baseUrl(setup)
  const token = setup.environment.HEALTH_TOKEN
  const get = (path: string): Promise<Answer | string> => request(`${url}${path}`, timeoutMs, token)
  const [readiness, health, detailed] = await Promise.all(['/readyz', '/health', '/health/detailed'].map(get))
  const body = answered(health)
  const details = answered(detailed)
  const state = text(answered(readiness)?.status)
  const unreachable =
    typeof health === 'string' ? [health] : ['no health report: another program listens there']
  const database = record(body?.database)
  const pool = record(details?.pool)
  return {
    service: setup.service.service,
    url,
    status: isStatus(body?.status) && body?.service === setup.service.service ? body.status : 'unreachable',
    readiness: state,
    database: database && {
      status: text(database.status) ?? 'unknown',
      latencyMs: number(database.latencyMs),
      code: text(database.code),
    },
    pool: pool && {
      checkedOut: number(pool.checkedOut) ?? 0,
      total: number(pool.total) ?? 0,
      waiting: number(pool.waiting) ?? 0,
    },
    reasons: isStatus(body?.status) ? list(body?.reasons) : unreachable,
  }
}

/** A table, a row for each service. */
export function renderHealth(reports: readonly ServiceHealth[]): string {
  const rows = reports.map(({ service, url, status, readiness, database, pool, reasons }) => [
    service,
    url,
    paint(status === 'healthy' ? 'green' : status === 'degraded' ? 'yellow' : 'red', status),
    readiness ?? '-',
    database === null
      ? '-'
      : [
          database.status,
          database.latencyMs === null ? '' : formatDuration(database.latencyMs),
          database.code,
        ]
          .filter(Boolean)
          .join(' '),
    pool === null ? '-' : `${pool.checkedOut} of ${pool.total} in use, ${pool.waiting} waiting`,
    reasons.join(', '),
  ])
  return renderTable([['service', 'address', 'health', 'readiness', 'database', 'pool', ''], ...rows])
}

async function request(url: string, timeoutMs: number, token: string | undefined): Promise<Answer | string> {
  try {
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {}
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) })
    return { ok: response.ok, body: record(showHiddenIn(await response.json())) ?? {} }
  } catch (error) {
    if (error instanceof SyntaxError) return 'no health report: another program listens there'
    const { name, code } = error as { name?: string; code?: unknown }
    if (name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
    return typeof code === 'string' ? `not running (${code})` : 'not running'
  }
}

const answered = (answer: Answer | string | undefined): Record<string, unknown> | null =>
  typeof answer === 'object' ? answer.body : null

const isStatus = (value: unknown): value is 'healthy' | 'degraded' | 'unhealthy' =>
  value === 'healthy' || value === 'degraded' || value === 'unhealthy'

const record = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
