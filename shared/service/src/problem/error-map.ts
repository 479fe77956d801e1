import type { DatabaseError } from '@shared/database'
import { causes, findDatabaseError, PoolSaturatedError, sqlState } from '@shared/database'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Problem } from './problem.ts'

/** How an error is answered: `[status, code, detail, seconds after which a retry makes sense]`. */
type Answer = readonly [
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  retryAfterSeconds?: number,
]

const internal: Answer = [
  500,
  'internal',
  'The service failed to process the request. Quote the request id when you report it.',
]
const unavailable: Answer = [
  503,
  'database-unavailable',
  'The database cannot be reached. Try again shortly.',
  2,
]
const busy: Answer = [503, 'database-busy', 'The database is busy. Try again shortly.', 1]
const timedOut: Answer = [504, 'database-timeout', 'The database took too long to answer.']
const tooLate: Answer = [
  503,
  'request-timeout',
  'The request took too long and was cancelled. Check whether it took effect before you repeat it.',
]
const aborted: Answer = [
  503,
  'request-aborted',
  'The request was cancelled. Check whether it took effect before you repeat it.',
]
const malformed: Answer = [400, 'invalid-value', 'A value has the wrong form or is out of range.']
const refused: Answer = [422, 'value-refused', 'A value breaks a rule of this resource.']
const exists: Answer = [409, 'already-exists', 'A resource with the same unique value exists already.']
const linked: Answer = [
  409,
  'reference-conflict',
  'The resource refers to, or is referred to by, another one.',
]
const concurrent: Answer = [503, 'concurrent-change', 'Another request changed the same data. Try again.', 1]

const byDatabaseCode: Record<string, Answer> = {
  CONNECT_FAILED: unavailable,
  CHECKOUT_TIMEOUT: busy,
  CHECKOUT_ABORTED: busy,
  POOL_SATURATED: busy,
  POOL_CLOSED: [503, 'shutting-down', 'This instance is shutting down. Try again.', 1],
  STATEMENT_TIMEOUT: tooLate,
  WORK_ABORTED: aborted,
  STREAM_IDLE: tooLate,
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html; a whole class by its first two characters.
const bySqlState: Record<string, Answer> = {
  '08': unavailable,
  '22': malformed,
  '23': refused,
  23001: linked,
  23503: linked,
  23505: exists,
  '23P01': exists,
  25006: unavailable,
  40001: concurrent,
  '40P01': concurrent,
  40003: [
    503,
    'outcome-unknown',
    'It is not known whether the request took effect. Check before you repeat it.',
  ],
  53: busy,
  '55P03': concurrent,
  57014: timedOut,
  '57P': unavailable,
}

const byStatus: Record<number, Answer> = {
  400: [400, 'malformed-json', 'The request body is not valid JSON.'],
  401: [401, 'unauthorized', 'A valid bearer token is required.'],
  403: [403, 'forbidden', 'This is not allowed.'],
  404: [404, 'not-found', 'There is nothing at this address.'],
  413: [413, 'body-too-large', 'The request body is too large.'],
}

/**
 * Maps the error that a request failed with to the problem that its client receives: the one place where errors meet HTTP.
 *
 * Messages of the driver and of Drizzle are not used: they carry SQL, parameters and constraint values.
 */
export function toProblem(error: unknown): Problem {
  const own = findProblem(error)
  if (own !== null) return own
  const database = findDatabaseError(error)
  if (database !== null) return problem(answerFor(database), error, retryAfter(database))
  if (error instanceof HTTPException) return fromHttpException(error)
  const state = sqlState(error)
  return problem((state !== null && answerForState(state)) || internal, error)
}

function answerFor(error: DatabaseError): Answer {
  if (error.code !== 'CONNECTION_LOST') return byDatabaseCode[error.code] ?? internal
  const mayHaveTakenEffect = 'outcome' in error && error.outcome === 'unknown'
  return (mayHaveTakenEffect && bySqlState['40003']) || unavailable
}

function answerForState(state: string): Answer | undefined {
  return bySqlState[state] ?? bySqlState[state.slice(0, 3)] ?? bySqlState[state.slice(0, 2)]
}

function retryAfter(error: DatabaseError): number | undefined {
  return error instanceof PoolSaturatedError ? Math.max(1, Math.ceil(error.retryAfterMs / 1000)) : undefined
}

/** Drizzle may wrap what its callback threw, so a problem is looked for along the causes. */
function findProblem(error: unknown): Problem | null {
  for (const link of causes(error)) if (link instanceof Problem) return link
  return null
}

/** Hono throws these for a body it cannot parse, a body too large, and a missing or wrong bearer token. */
function fromHttpException(error: HTTPException): Problem {
  const challenge = error.getResponse().headers.get('WWW-Authenticate')
  if (challenge === null) return problem(byStatus[error.status] ?? internal, error)
  const answer = byStatus[error.status === 400 ? 401 : error.status] ?? internal
  return new Problem({ ...describe(answer), headers: { 'WWW-Authenticate': challenge }, cause: error })
}

function problem(answer: Answer, cause: unknown, retryAfterSeconds = answer[3]): Problem {
  const headers: Record<string, string> = {}
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds)
  return new Problem({ ...describe(answer), headers, cause })
}

function describe([status, code, detail]: Answer) {
  return { status, code, detail }
}
