import { type Database, type DrizzleModel, errorCode } from '@shared/database'
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
  /** What the server reports of itself and of this role, equally cached; null when it can't be asked. Never rejects. */
  details(): Promise<ServerReport | null>
}

export interface HealthProbeOptions {
  /** How long an answer is good for. Default 1 000. */
  cacheMs?: number
}

/** Makes the probe of a database; it connects at the first check, and records an event for each that fails. */
export function createHealthProbe(
  database: Pick<Database<DrizzleModel>, 'observe' | 'record'>,
  { cacheMs = 1_000 }: HealthProbeOptions = {},
): HealthProbe {
  return {
    check: cached(cacheMs, async (): Promise<DatabaseHealth> => {
      let checkedAt = new Date().toISOString()
      try {
        const latencyMs = await database.observe(async (connection, leftMs) => {
          checkedAt = new Date().toISOString()
          const startedAt = performance.now()
          await connection.ping(leftMs)
          return performance.now() - startedAt
        })
        return { status: 'connected', latencyMs, code: null, checkedAt }
      } catch (error) {
        database.record('health-failed', error)
        return { status: 'disconnected', latencyMs: null, code: errorCode(error), checkedAt }
      }
    }),
    // check() has the reason; here there is simply nothing to report.
    details: cached(cacheMs, () => database.observe(readServerReport).catch(() => null)),
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
