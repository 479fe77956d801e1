import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** One field of a request that was refused: where it is, and what is expected there. */
export interface FieldError {
  in: 'json' | 'query' | 'param' | 'header' | 'form' | 'cookie'
  path: string
  message: string
}

/** The fields of a problem. All but `cause` are sent to the client: no SQL, values or secrets. */
export interface ProblemOptions {
  status: ContentfulStatusCode
  /** Stable, machine-readable reason, e.g. `insufficient-stock`. */
  code: string
  /** One sentence for the client. */
  detail: string
  headers?: Record<string, string>
  errors?: FieldError[]
  cause?: unknown
}

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** An answer other than success. Throw it anywhere in a route, also inside a transaction (which rolls back). */
export class Problem extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly headers: Record<string, string>
  readonly errors: FieldError[] | undefined

  constructor(options: ProblemOptions) {
    super(options.detail, { cause: options.cause })
    this.name = 'Problem'
    this.status = options.status
    this.code = options.code
    this.headers = options.headers ?? {}
    this.errors = options.errors
  }
}

/** The phrase of a status. */
export function titleOf(status: number): string {
  return titles[status] ?? 'Error'
}

/** 404 for an address that has no route, or none that this client may know of. */
export function unknownAddress(): Problem {
  return new Problem({ status: 404, code: 'not-found', detail: 'There is nothing at this address.' })
}

/** 404 for a resource of this kind, e.g. `notFound('product')`. */
export function notFound(resource: string): Problem {
  return new Problem({ status: 404, code: `${resource}-not-found`, detail: `There is no such ${resource}.` })
}

/** 409 with a reason a client can act on. */
export function conflict(code: string, detail: string): Problem {
  return new Problem({ status: 409, code, detail })
}

/**
 * Renders a problem as RFC 9457 `application/problem+json`.
 *
 * `type` stays `about:blank` (its title is the status phrase); `code` and `requestId` are extension members.
 */
export function problemResponse(c: Context, problem: Problem): Response {
  const body = {
    type: 'about:blank',
    title: titleOf(problem.status),
    status: problem.status,
    detail: problem.message,
    instance: c.req.path,
    code: problem.code,
    requestId: c.get('requestId'),
    errors: problem.errors,
  }
  return c.body(JSON.stringify(body), problem.status, {
    ...problem.headers,
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  })
}
