import type { Context, MiddlewareHandler } from 'hono'
import { requestServer } from './request-server.ts'

/** Longest time of a request or an idle connection that Bun can be told, in seconds. */
const longestSeconds = 255

/**
 * How long a connection may take for an answer, and for the next request after it, in seconds: more than a request may take, and more than
 * the 60 s after which load balancers close an idle connection themselves.
 */
export function idleSeconds(requestTimeoutMs: number): number {
  return Math.min(Math.max(65, Math.ceil(requestTimeoutMs / 1000) + 20), longestSeconds)
}

/**
 * Ends the connection of a client that takes too long to send a body, however little it sends at a time.
 *
 * Bun counts a request's time from when it is set, and bytes that arrive do not begin it anew. It is set again when the body is
 * there, as the answer has a time of its own, and what is set stays with the connection.
 *
 * @param seconds Longest time of a whole body; Bun counts in steps of 4 s.
 * @returns A middleware for before the body is read, and one for after it.
 */
export function timeBody(
  seconds: number,
  requestTimeoutMs: number,
): { begin: MiddlewareHandler; end: MiddlewareHandler } {
  // Limiting a body replaces the request by one that the server does not know.
  const arriving = new WeakMap<Context, Request>()
  const set = ({ env }: Context, request: Request, time: number): void =>
    requestServer(env).timeout?.(request, time)
  return {
    begin: function beginBody(c, next) {
      const { raw } = c.req
      if (raw.body !== null) {
        arriving.set(c, raw)
        set(c, raw, seconds)
      }
      return next()
    },
    end: function endBody(c, next) {
      const request = arriving.get(c)
      if (request !== undefined) set(c, request, idleSeconds(requestTimeoutMs))
      return next()
    },
  }
}
