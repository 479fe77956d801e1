import type { MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

const none = ["'none'"]
const self = ["'self'"]

/** Headers of every response of an API: a browser that shows one as a page runs, frames and sniffs nothing. */
export function apiHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: none,
      baseUri: none,
      formAction: none,
      frameAncestors: none,
    },
    xFrameOptions: 'DENY',
    // A page with a policy of its own keeps it.
    overwrite: false,
  })
}

/** Headers of the reference page: scripts, styles and requests of this service only, none of another host. */
export function pageHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: none,
      baseUri: none,
      formAction: none,
      frameAncestors: none,
      scriptSrc: self,
      // The reference page sets widths and colours on its elements.
      styleSrc: [...self, "'unsafe-inline'"],
      imgSrc: [...self, 'data:'],
      connectSrc: self,
    },
    xFrameOptions: 'DENY',
  })
}
