import { showHiddenIn } from '@shared/monitor/plain-text'
import { type MonitorReport, parseMonitorReport } from './monitor-report.ts'

/** A service and how to ask it. */
export interface Target {
  readonly name: string
  /** Without a slash at the end: `http://127.0.0.1:8001`. */
  readonly url: string
  /** Its HEALTH_TOKEN, where details are guarded by one; never leaves this process but to the service. */
  readonly token?: string
}

/** What asking a service led to. */
export type Answer<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly status: 'unreachable' | 'unknown'; readonly reason: string }

interface AskOptions {
  /** Longest time for the whole answer. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Asks a service's monitor; with `since` (epoch ms) only for newer samples. Never throws. */
export async function readMonitor(
  target: Target,
  options: AskOptions & { since?: number },
): Promise<Answer<MonitorReport>> {
  const since = options.since === undefined ? '' : `?since=${options.since}`
  const answer = await ask(target, `/health/monitor${since}`, options)
  if (!answer.ok) return answer
  const report = parseMonitorReport(answer.body)
  return report?.service === target.name ? { ok: true, body: report } : stranger
}

/** Asks for the detailed health report, whatever its shape, with hidden characters shown. Never throws. */
export async function readDetails(target: Target, options: AskOptions): Promise<Answer<unknown>> {
  const answer = await ask(target, '/health/detailed', options)
  return answer.ok ? { ok: true, body: showHiddenIn(answer.body) } : answer
}

const stranger = {
  ok: false,
  status: 'unreachable',
  reason: 'Another program listens at its address, or another version of the service.',
} as const

async function ask(
  target: Target,
  path: string,
  { timeoutMs, signal }: AskOptions,
): Promise<Answer<unknown>> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(`${target.url}${path}`, {
      headers: target.token ? { Authorization: `Bearer ${target.token}` } : {},
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      redirect: 'error',
    })
    const guarded = guardReason(response.status)
    if (guarded !== null) {
      await response.body?.cancel()
      return { ok: false, status: 'unknown', reason: guarded }
    }
    return { ok: true, body: await response.json() }
  } catch (error) {
    if (error instanceof SyntaxError) return stranger
    const { name, code } = error as { name?: string; code?: unknown }
    const reason =
      name === 'TimeoutError'
        ? `It does not answer within ${timeoutMs / 1000} s.`
        : `It does not run: nothing answers at its address${typeof code === 'string' ? ` (${code})` : ''}.`
    return { ok: false, status: 'unreachable', reason }
  }
}

function guardReason(status: number): string | null {
  if (status === 401) return 'It runs, but its details need a token: set HEALTH_TOKEN to the same as its own.'
  if (status === 404) return 'It runs, but shows no details: HEALTH_DETAILS is "never" there.'
  return null
}
