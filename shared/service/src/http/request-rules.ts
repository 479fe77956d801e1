import type { MiddlewareHandler } from 'hono'
import type { Lifecycle } from '../context/lifecycle.ts'
import { Problem } from '../problem/problem.ts'

const json = /^application\/([\w.-]+\+)?json\s*(;|$)/i

/** Refuses a body that is not JSON with 415; Hono's validator would take it for an empty object. */
export const requireJson: MiddlewareHandler = async function requireJson(c, next) {
  const type = c.req.header('Content-Type')
  const hasBody = c.req.raw.body !== null && c.req.header('Content-Length') !== '0'
  if (hasBody && !json.test(type ?? '')) {
    throw new Problem({
      status: 415,
      code: 'unsupported-media-type',
      detail: 'Send the body as application/json.',
      headers: { Accept: 'application/json' },
    })
  }
  await next()
}

/** Lets clients go while draining: a connection kept alive would hold the shutdown back. */
export function closeWhenDraining(lifecycle: Lifecycle | undefined): MiddlewareHandler {
  return async function closeWhenDraining(c, next) {
    await next()
    if (lifecycle?.state !== 'draining') return
    c.header('Connection', 'close')
    await lifecycle.held
  }
}

/** Tells at HEAD how long the answer to GET is; the runtime would say 0. */
export const lengthAtHead: MiddlewareHandler = async function lengthAtHead(c, next) {
  await next()
  if (c.req.method !== 'HEAD') return
  const { byteLength } = await c.res.clone().arrayBuffer()
  c.res.headers.set('Content-Length', String(byteLength))
}
