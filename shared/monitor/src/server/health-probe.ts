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
  /** How long an answer is good for, in ms. Default 1 000. */
  cacheMs?: number
  /** The clock, in ms. Default `performance.now`. */
  now?: () => number
}

/** Makes the probe of a database; it connects at the first check, and records an event for each that fails. */
export function createHealthProbe(
  database: Pick<Database<DrizzleModel>, 'observe' | 'record'>,
  { cacheMs = 1_000, now = () => performance.now() }: HealthProbeOptions = {},
): HealthProbe {
  return {
    check: cached({ cacheMs, now }, async (): Promise<DatabaseHealth> => {
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
    details: cached({ cacheMs, now }, () => database.observe(readServerReport).catch(() => null)),
  }
}

/**
 * One call at a time, and its answer is everybody's for `cacheMs` from its beginning; a tenth less, so that a timer of that period gets
 * a new one each time, and for half of it at least when it took long, so that not all who ask wait for the next one.
 */
function cached<T>({ cacheMs, now }: Required<HealthProbeOptions>, work: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null
  let goodUntil = 0
  return () => {
    const startedAt = now()
    if (answer && startedAt < goodUntil) return answer
    goodUntil = Number.POSITIVE_INFINITY
    answer = work().finally(() => {
      goodUntil = Math.max(startedAt + cacheMs * 0.9, now() + cacheMs / 2)
    })
    return answer
  }
}
