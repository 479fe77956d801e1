import { Problem, readText, tracedFetch } from '@shared/service'

import type { Env, Hono } from 'hono'
import { hc } from 'hono/client'
import { z } from 'zod'

/** What cart uses of a product; all else that the product service says is ignored, so that it may change. */
const productSchema = z.object({
  id: z.uuid(),
  priceMinor: z.int().min(0),
  currency: z.string().regex(/^[A-Z]{3}$/),
})

/** A product as cart knows it. */
export type Product = z.infer<typeof productSchema>

/** The routes of the product service that cart asks, and nothing of their code: what comes back is checked by the schema above. */
type ProductApi = Hono<
  Env,
  {
    '/products/:id': {
      $get: { input: { param: { id: string } }; output: Product; outputFormat: 'json'; status: 200 }
    }
  },
  '/'
>

/** How to reach the product service. */
export interface ProductClientOptions {
  url: string
  /** Longest time in ms for a whole answer. */
  timeoutMs: number
}

/** The request on whose behalf the product service is asked. */
export interface AskedFor {
  /** Sent along, so that both logs can be put side by side. */
  requestId: string
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal
}

/** The product service, as far as cart needs it. */
export interface ProductClient {
  /**
   * Reads a product.
   *
   * @throws {Problem} 404 there is no such product; 502 the answer makes no sense; 503 it is unreachable, busy or too slow.
   */
  read(id: string, request: AskedFor): Promise<Product>
}

/** Longest answer that is read, in bytes. */
const maxBytes = 64 * 1024
const busy: readonly number[] = [429, 502, 503, 504]

/** Creates the client; connects to nothing before it is asked. */
export function createProductClient({ url, timeoutMs }: ProductClientOptions): ProductClient {
  const api = hc<ProductApi>(url, { fetch: tracedFetch })
  return {
    async read(id, { requestId, signal }) {
      const deadline = AbortSignal.timeout(timeoutMs)
      try {
        const response = await api.products[':id'].$get(
          { param: { id } },
          {
            // Not the caller's X-Written-Until, which is a position in this service's database.
            headers: { Accept: 'application/json', 'X-Request-Id': requestId },
            init: { redirect: 'manual', signal: AbortSignal.any([signal, deadline]) },
          },
        )
        return understand(id, response, await readText(response, maxBytes))
      } catch (error) {
        if (error instanceof Problem || signal.aborted) throw error
        throw deadline.aborted ? tooSlow(error) : unreachable(error)
      }
    },
  }
}

function understand(id: string, answer: Pick<Response, 'headers'> & { status: number }, text: string | null) {
  const { status, headers } = answer
  if (busy.includes(status)) throw unavailable(status, headers.get('Retry-After'))
  const body = text === null ? undefined : parse(text)
  if (status === 404 && isUnknownProduct(body)) {
    throw new Problem({ status: 404, code: 'product-not-found', detail: `There is no product ${id}.` })
  }
  if (status !== 200) throw senseless(`status ${status}`)
  const product = productSchema.safeParse(body)
  if (!product.success) throw senseless('something that is no product', product.error)
  if (product.data.id !== id.toLowerCase()) throw senseless('another product')
  return product.data
}

/** The service's own 404, not that of whatever else may listen at a wrong address. */
function isUnknownProduct(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'code' in body && body.code === 'product-not-found'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function senseless(answer: string, cause?: unknown): Problem {
  const detail = `The product service answered with ${answer}.`
  return new Problem({ status: 502, code: 'product-answer-invalid', detail, cause })
}

function unreachable(cause: unknown): Problem {
  const detail = 'The product service cannot be reached. Try again shortly.'
  return new Problem({ status: 503, code: 'product-unavailable', detail, headers: retryAfter('2'), cause })
}

function unavailable(status: number, after: string | null): Problem {
  const detail = `The product service is not able to answer (status ${status}). Try again shortly.`
  return new Problem({ status: 503, code: 'product-unavailable', detail, headers: retryAfter(after) })
}

function tooSlow(cause: unknown): Problem {
  const detail = 'The product service took too long to answer. Try again shortly.'
  return new Problem({ status: 503, code: 'product-timeout', detail, headers: retryAfter('2'), cause })
}

/** What the other service asked for, where it is a plain number of seconds; else two. */
function retryAfter(seconds: string | null): Record<string, string> {
  return { 'Retry-After': /^\d{1,3}$/.test(seconds ?? '') ? String(seconds) : '2' }
}
