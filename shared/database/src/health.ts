import { bounded } from './bounded.ts'
import { type Connection, openConnection } from './connection.ts'
import { type ConnectionSource, createConnectionSource } from './driver.ts'
import { PoolClosedError } from './errors.ts'
import { errorCode } from './monitor.ts'
import type { ConnectionOptions } from './options.ts'
import { readServerReport, type ServerReport } from './server-report.ts'
import { StatementCatalog } from './statement.ts'
import type { Target } from './target.ts'

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
  close(): Promise<void>
}

/** The probe, whose connection others may ask too. */
export interface SideConnection extends HealthProbe {
  /** Runs one question outside the pool, after those before it; rejects when it can't be asked, or when it rejects. */
  ask<T>(question: (connection: Connection) => Promise<T>): Promise<T>
}

export interface HealthProbeOptions {
  target: Target
  options: ConnectionOptions
  name: string
  /** Longest time for a probe, connecting included. Default 2 000. */
  timeoutMs?: number
  /** How long an answer is good for. Default 1 000. */
  cacheMs?: number
  onFailure?: (error: unknown) => void
  /** Called with the payload of what its connection has LISTENed for. */
  onNotify?: (payload: string) => void
}

/** Makes the probe; it connects at the first check. */
export function createHealthProbe(options: HealthProbeOptions): SideConnection {
  const { timeoutMs = 2_000, cacheMs = 1_000 } = options
  const source: ConnectionSource = createConnectionSource(
    options.target,
    { ...options.options, applicationName: `${options.name} health` },
    new StatementCatalog(),
    { onNotify: options.onNotify },
  )
  const closing = new AbortController()
  let connection: Connection | null = null
  /** Settles when the server has let go of connections dropped before. */
  let dropped: Promise<unknown> = Promise.resolve()

  async function open(): Promise<Connection> {
    try {
      return await openConnection(source, { timeoutMs, signal: closing.signal })
    } catch (error) {
      closing.signal.throwIfAborted()
      throw error
    }
  }

  /** Runs one question on the probe's connection, opened if need be and dropped when it fails. */
  async function ask<T>(question: (connection: Connection, leftMs: number) => Promise<T>): Promise<T> {
    closing.signal.throwIfAborted()
    const deadline = performance.now() + timeoutMs
    if (connection?.lost) connection = null
    connection ??= await open()
    const own = connection
    try {
      closing.signal.throwIfAborted()
      return await question(own, Math.max(1, deadline - performance.now()))
    } catch (error) {
      connection = null
      dropped = Promise.all([dropped, own.destroy()]).then(() => {})
      throw error
    }
  }

  // One question at a time: both go over the same connection.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  const check = cached(cacheMs, () =>
    inTurn(async (): Promise<DatabaseHealth> => {
      const checkedAt = new Date().toISOString()
      try {
        const latencyMs = await ask(async (own, leftMs) => {
          const startedAt = performance.now()
          await own.ping(leftMs)
          return performance.now() - startedAt
        })
        return { status: 'connected', latencyMs, code: null, checkedAt }
      } catch (error) {
        options.onFailure?.(error)
        return { status: 'disconnected', latencyMs: null, code: errorCode(error), checkedAt }
      }
    }),
  )
  const details = cached(cacheMs, () =>
    inTurn(async () => {
      try {
        return await ask((own, leftMs) => bounded(readServerReport(own), leftMs))
      } catch {
        // check() has the reason; here there is simply nothing to report.
        return null
      }
    }),
  )

  return {
    check,
    details,
    ask: (question) => inTurn(() => ask((own, leftMs) => bounded(question(own), leftMs))),
    async close() {
      closing.abort(new PoolClosedError(options.name))
      await connection?.close()
      await turn
      await dropped
    },
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
