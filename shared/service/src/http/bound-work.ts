import { CheckoutAbortedError, causes, WorkAbortedError } from '@shared/database'
import type { Context, MiddlewareHandler } from 'hono'
import type { ServiceDatabase } from '../context/context.ts'
import { healthPaths } from '../health/health-routes.ts'

/** Status for a request whose client hung up before it was answered: nobody reads it, the log tells it (nginx's code). */
export const clientGone = 499

/**
 * Ends a request's database work when its client hangs up or its time is over: what waits leaves the line, what runs is
 * cancelled on the server. The index and the health routes, which ask outside the pool, are left alone.
 *
 * @param timeoutMs Longest time of a request, reading its body included.
 */
export function boundWork(database: Pick<ServiceDatabase, 'within'>, timeoutMs: number): MiddlewareHandler {
  return function boundWork(c, next) {
    const { path } = c.req
    if (path === '/' || healthPaths.has(path)) return next()
    return database.within({ signal: c.req.raw.signal, timeoutMs, owner: 'request' }, next)
  }
}

/** Whether a request failed for no other reason than that its client is gone: under a query, or amid its own body. */
export function isClientGone(c: Context, error: unknown): boolean {
  if (!c.req.raw.signal.aborted) return false
  if (error instanceof DOMException && error.name === 'AbortError') return true
  // Under COMMIT it is the cause of an outcome that nobody knows: nobody waits to hear of it.
  return [...causes(error)].some(
    (link) => link instanceof CheckoutAbortedError || link instanceof WorkAbortedError,
  )
}
