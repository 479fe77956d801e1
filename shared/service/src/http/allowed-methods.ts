import type { Env, Hono, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { TrieRouter } from 'hono/router/trie-router'
import { Problem, problemResponse } from '../problem/problem.ts'

type Routes = Pick<Hono, 'routes'>

/** How long browsers may remember the answer to a preflight, in seconds. */
const preflightSeconds = 600

/** Answers OPTIONS with 204 and `Allow` at every address that has a route; elsewhere it is a 404 like any other method. */
export function answerOptions(app: Routes): MiddlewareHandler {
  const methodsAt = methodsByPath(app)
  return async function answerOptions(c, next) {
    if (c.req.method !== 'OPTIONS') return next()
    const methods = methodsAt(c.req.path)
    return methods.length === 0 ? next() : c.body(null, 204, { Allow: methods.join(', ') })
  }
}

/** Sends with HEAD the `Content-Length` that GET would have; the runtime would send 0. */
export const headContentLength: MiddlewareHandler = async function headContentLength(c, next) {
  await next()
  if (c.req.method !== 'HEAD') return
  const { byteLength } = await c.res.clone().arrayBuffer()
  c.res.headers.set('Content-Length', String(byteLength))
}

/**
 * Lets pages of the given origins call this service (CORS); those of others get no header, so their browser refuses.
 *
 * Credentials are a bearer token that the page sends itself: cookies are never involved.
 *
 * @param origins As browsers send them, e.g. `https://shop.example`. Empty: no page of another origin.
 */
export function allowOrigins(origins: readonly string[], app: Routes): MiddlewareHandler {
  if (origins.length === 0) return (_c, next) => next()
  const methodsAt = methodsByPath(app)
  const allow = cors({
    origin: [...origins],
    allowMethods: (_origin, c) => methodsAt(c.req.path),
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'X-Request-Id',
      'traceparent',
      'tracestate',
    ],
    exposeHeaders: ['ETag', 'Idempotent-Replayed', 'Location', 'Retry-After', 'X-Request-Id'],
    maxAge: preflightSeconds,
  })
  return async function allowOrigins(c, next) {
    const plainOptions =
      c.req.method === 'OPTIONS' && c.req.header('Access-Control-Request-Method') === undefined
    return plainOptions ? next() : allow(c, next)
  }
}

/** Answers a method that an address does not have with 405 and `Allow`. */
export function refuseMethod<E extends Env>(app: Hono<E>): MiddlewareHandler {
  return methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => problemResponse(c, wrongMethod([...methods, 'OPTIONS'])),
  })
}

function wrongMethod(methods: string[]): Problem {
  const Allow = methods.join(', ')
  return new Problem({
    status: 405,
    code: 'method-not-allowed',
    detail: `This address accepts ${Allow} only.`,
    headers: { Allow },
  })
}

/** Which methods an address has, HEAD and OPTIONS included; none where there is no route. Routes may be added until the first call. */
function methodsByPath(app: Routes): (path: string) => string[] {
  let router: TrieRouter<string> | undefined
  return (path) => {
    router ??= routerOf(app)
    const found = new Set(router.match('ALL', path)[0].map(([method]) => method))
    if (found.has('GET')) found.add('HEAD')
    return found.size === 0 ? [] : [...found, 'OPTIONS']
  }
}

function routerOf({ routes }: Routes): TrieRouter<string> {
  const router = new TrieRouter<string>()
  // ALL is middleware, which also matches addresses without a route.
  const own = routes.filter(({ method }) => method !== 'ALL')
  for (const { method, path } of own) router.add('ALL', path, method)
  return router
}
