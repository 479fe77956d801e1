import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { readText } from '../http/read-text.ts'
import { Problem } from '../problem/problem.ts'
import { tracedFetch } from '../trace/traced-fetch.ts'

/** Whom a token belongs to. */
export interface Session {
  userId: string
}

/** Asks the auth service about tokens. */
export interface SessionClient {
  /**
   * Whom a token belongs to; null for a token of nobody, one that has expired or was signed out.
   *
   * @param requestId Sent along, so that both logs can be put side by side.
   * @throws {Problem} 503 `sessions-unavailable`: auth is unreachable, busy, too slow, or answers what makes no sense.
   */
  find(token: string, requestId: string): Promise<Session | null>
}

/** How to reach the auth service. */
export interface SessionClientOptions {
  url: string
  /** Longest time in ms for a whole answer. */
  timeoutMs: number
  /** How long an answer is used again, in ms; a session that was signed out works for as long. Default 5000. */
  cacheMs?: number
}

/** The variables of a service that asks auth. */
export interface SessionEnv {
  readonly NODE_ENV: string
  readonly AUTH_URL: string
  /** In seconds. */
  readonly AUTH_TIMEOUT: number
  readonly REQUIRE_SESSION?: boolean | undefined
}

/** The client that a service's environment asks for; null where requests need no session. */
export function sessionsOf(env: SessionEnv): SessionClient | null {
  const isRequired = env.REQUIRE_SESSION ?? env.NODE_ENV !== 'development'
  return isRequired ? createSessionClient({ url: env.AUTH_URL, timeoutMs: env.AUTH_TIMEOUT * 1000 }) : null
}

/** What is used of auth's answer; all else is ignored, so that it may change. */
const answerSchema = z.object({ userId: z.uuid(), expiresAt: z.iso.datetime() })

const maxBytes = 16 * 1024
const remembered = 10_000
/** Tokens of auth have 43 characters; nothing much longer is worth a question. */
const longestToken = 512

type Entry = { session: Session | null; until: number }

/**
 * Creates the client; connects to nothing before it is asked. Many who ask for one token at the same time ask once.
 *
 * What auth knows and what it does not are remembered apart, each bounded: made-up tokens push out no session. Digests of tokens are kept,
 * no token.
 */
export function createSessionClient({ url, timeoutMs, cacheMs = 5000 }: SessionClientOptions): SessionClient {
  const known = new LRUCache<string, Entry>({ max: remembered })
  const unknown = new LRUCache<string, Entry>({ max: remembered })
  const underWay = new Map<string, Promise<Session | null>>()

  async function ask(token: string, key: string, requestId: string): Promise<Session | null> {
    try {
      const found = await askAuth(token, { url, timeoutMs, requestId })
      const until = Date.now() + cacheMs
      known.delete(key)
      if (found === null) {
        unknown.set(key, { session: null, until })
        return null
      }
      const session = { userId: found.userId }
      known.set(key, { session, until: Math.min(until, Date.parse(found.expiresAt)) })
      return session
    } finally {
      underWay.delete(key)
    }
  }

  return {
    async find(token, requestId) {
      if (token.length > longestToken) return null
      const key = createHash('sha256').update(token).digest('base64')
      const entry = known.get(key) ?? unknown.get(key)
      if (entry !== undefined && entry.until > Date.now()) return entry.session
      const asked = underWay.get(key) ?? ask(token, key, requestId)
      underWay.set(key, asked)
      return asked
    },
  }
}

async function askAuth(
  token: string,
  { url, timeoutMs, requestId }: Pick<SessionClientOptions, 'url' | 'timeoutMs'> & { requestId: string },
): Promise<z.infer<typeof answerSchema> | null> {
  try {
    const response = await tracedFetch(`${url}/sessions/current`, {
      headers: { Accept: 'application/json', Authorization: `Bearer ${token}`, 'X-Request-Id': requestId },
      redirect: 'manual',
      // Not the caller's signal: others may wait for the same answer.
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await readText(response, maxBytes)
    if (response.status === 401) return null
    if (response.status !== 200) throw new Error(`auth answered with status ${response.status}`)
    return answerSchema.parse(JSON.parse(text ?? ''))
  } catch (error) {
    throw unavailable(error)
  }
}

function unavailable(cause: unknown): Problem {
  const detail = 'Whom the session belongs to cannot be asked for now. Try again shortly.'
  return new Problem({
    status: 503,
    code: 'sessions-unavailable',
    detail,
    headers: { 'Retry-After': '2' },
    cause,
  })
}
