import { CheckoutAbortedError, causes, WorkAbortedError } from '@shared/database'
import type { Context, MiddlewareHandler } from 'hono'
import type { ServiceDatabase } from '../context/context.ts'
import { healthPaths } from '../health/health-routes.ts'
import { readWrittenUntil, tellWrites } from './written-until.ts'

/** Status of a request whose client disconnected before the response (nginx's code): only the log shows it. */
export const clientGone = 499

/**
 * Ends a request's database work when its client disconnects or its time is over: a waiting checkout leaves the queue, a
 * running statement is cancelled on the server. The index and the health routes use nothing of the pool and have no limit.
 *
 * Its reads see what the request's `X-Written-Until` names; the answer's says what it has written.
 *
 * @param timeoutMs Longest time of a request, reading its body included.
 */
export function boundWork(
  database: Pick<ServiceDatabase, 'within' | 'writtenUntil'>,
  timeoutMs: number,
): MiddlewareHandler {
  return function boundWork(c, next) {
    const { path } = c.req
    if (path === '/' || healthPaths.has(path)) return next()
    const { signal } = c.req.raw
    const writtenUntil = readWrittenUntil(c)
    return database.within({ signal, timeoutMs, owner: 'request', writtenUntil }, () =>
      tellWrites(c, database, next),
    )
  }
}

/** Whether a request failed only because its client disconnected: during a query, or while sending its body. */
export function isClientGone(c: Context, error: unknown): boolean {
  if (!c.req.raw.signal.aborted) return false
  if (error instanceof DOMException && error.name === 'AbortError') return true
  // During COMMIT it is the cause of an unknown outcome, which no client is left to receive.
  return [...causes(error)].some(
    (link) => link instanceof CheckoutAbortedError || link instanceof WorkAbortedError,
  )
}
