import type { MiddlewareHandler } from 'hono'
import type { Lifecycle } from '../context/lifecycle.ts'

/** While draining, ends each connection with its response, as one kept alive would delay the shutdown; waits while responses are held back. */
export function closeWhenDraining(lifecycle: Lifecycle | undefined): MiddlewareHandler {
  return async function closeWhenDraining(c, next) {
    await next()
    if (lifecycle?.state !== 'draining') return
    c.header('Connection', 'close')
    await lifecycle.held
  }
}
