import type { MiddlewareHandler } from 'hono'
import type { Lifecycle } from '../context/lifecycle.ts'

/** Lets clients go while draining: a connection kept alive would hold the shutdown back. */
export function closeWhenDraining(lifecycle: Lifecycle | undefined): MiddlewareHandler {
  return async function closeWhenDraining(c, next) {
    await next()
    if (lifecycle?.state !== 'draining') return
    c.header('Connection', 'close')
    await lifecycle.held
  }
}
