import type { MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

const nobody = ["'none'"]
const ourselves = ["'self'"]

/** What an API's answers need: nothing in them may be run, framed or guessed at, should a browser show one as a page. */
export function apiHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: nobody,
      baseUri: nobody,
      formAction: nobody,
      frameAncestors: nobody,
    },
    xFrameOptions: 'DENY',
    // A page with a policy of its own keeps it.
    overwrite: false,
  })
}

/** For the one page there is: scripts, styles and requests of this service only, from no other host. */
export function pageHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: nobody,
      baseUri: nobody,
      formAction: nobody,
      frameAncestors: nobody,
      scriptSrc: ourselves,
      // The reference page sets widths and colours on its elements.
      styleSrc: [...ourselves, "'unsafe-inline'"],
      imgSrc: [...ourselves, 'data:'],
      connectSrc: ourselves,
    },
    xFrameOptions: 'DENY',
  })
}
