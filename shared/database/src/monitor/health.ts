import type { SideConnection } from '../connection/side-connection.ts'
import { errorCode } from '../event-log.ts'
import { readServerReport, type ServerReport } from './server-report.ts'

export interface DatabaseHealth {
  status: 'connected' | 'disconnected'
  /** The probe's round trip; null when there was no answer. */
  latencyMs: number | null
  /** Why not: an SQLSTATE or the driver's code, never a message. */
  code: string | null
  /** ISO 8601. */
  checkedAt: string
}

/** Asks the database on a connection of its own, outside the pool: a saturated pool is not an unreachable server. */
export interface HealthProbe {
  /** `select 1`, at most once in `cacheMs` however many ask at once. Never rejects. */
  check(): Promise<DatabaseHealth>
  /** What the server says of itself and of this role, equally cached; null when it can't be asked. Never rejects. */
  details(): Promise<ServerReport | null>
}

export interface HealthProbeOptions {
  side: Pick<SideConnection, 'ask'>
  /** How long an answer is good for. Default 1 000. */
  cacheMs?: number
  onFailure?: (error: unknown) => void
}

/** Makes the probe; it connects at the first check. */
export function createHealthProbe({ side, cacheMs = 1_000, onFailure }: HealthProbeOptions): HealthProbe {
  return {
    check: cached(cacheMs, async (): Promise<DatabaseHealth> => {
      let checkedAt = new Date().toISOString()
      try {
        const latencyMs = await side.ask(async (connection, leftMs) => {
          checkedAt = new Date().toISOString()
          const startedAt = performance.now()
          await connection.ping(leftMs)
          return performance.now() - startedAt
        })
        return { status: 'connected', latencyMs, code: null, checkedAt }
      } catch (error) {
        onFailure?.(error)
        return { status: 'disconnected', latencyMs: null, code: errorCode(error), checkedAt }
      }
    }),
    // check() has the reason; here there is simply nothing to report.
    details: cached(cacheMs, () => side.ask(readServerReport).catch(() => null)),
  }
}

/** One call at a time, and its answer is everybody's for `cacheMs`. */
function cached<T>(cacheMs: number, work: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null
  let goodUntil = 0
  return () => {
    if (answer && performance.now() < goodUntil) return answer
    goodUntil = Number.POSITIVE_INFINITY
    answer = work().finally(() => {
      goodUntil = performance.now() + cacheMs
    })
    return answer
  }
}
