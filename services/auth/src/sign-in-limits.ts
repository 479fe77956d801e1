import { clientAddress, Problem } from '@shared/service'
import type { Context, MiddlewareHandler } from 'hono'
import { rateLimiter, type Store } from 'hono-rate-limiter'
import { LRUCache } from 'lru-cache'

const windowMs = 15 * 60 * 1000

/** Failures that one address may have in a window, whatever accounts it tries. Many people may share it. */
const perAddress = 300

/** Failures that one address may have in a window for one account. */
const perAccount = 10

/** How many addresses, and accounts tried from them, are remembered; those that were quiet for longest are forgotten first. */
const remembered = 50_000

/**
 * Refuses with 429 who has failed too often to sign in within a quarter of an hour: an address, or an address at one account.
 *
 * There is no limit for an account alone: a stranger who guesses from elsewhere could keep its owner out. Unknown accounts count like
 * those that exist. An attempt counts from its beginning until it has turned out not to be a wrong guess. Each process counts
 * for itself.
 *
 * @param trustedProxies As `clientAddress` of @shared/service has it.
 * @see OWASP Authentication Cheat Sheet, "Protect Against Automated Attacks"
 */
export function signInLimits({ trustedProxies }: { trustedProxies: number }): readonly MiddlewareHandler[] {
  const address = (c: Context): string => clientAddress(c, trustedProxies)
  return [limit(perAddress, address), limit(perAccount, async (c) => `${address(c)} ${await accountOf(c)}`)]
}

function limit(failures: number, keyGenerator: (c: Context) => string | Promise<string>): MiddlewareHandler {
  return rateLimiter({
    windowMs,
    limit: failures,
    keyGenerator,
    standardHeaders: 'draft-7',
    store: boundedStore(),
    skipSuccessfulRequests: true,
    requestWasSuccessful: ({ res }) => res.status !== 401,
    // The middleware has set Retry-After.
    handler: () => Promise.reject(tooManyAttempts()),
  })
}

/** What is tried, as the database compares it; the body has not been checked yet. */
async function accountOf(c: Context): Promise<string> {
  const body: unknown = await c.req.json().catch(() => null)
  const email = typeof body === 'object' && body !== null && 'email' in body ? body.email : ''
  return typeof email === 'string' ? email.slice(0, 254).toLowerCase() : ''
}

/** Counts by key, in a memory that is bounded; the library's own grows with every key. */
function boundedStore(): Store {
  const counts = new LRUCache<string, { totalHits: number; resetTime: Date }>({
    max: remembered,
    ttl: windowMs,
  })
  return {
    get: (key) => counts.get(key),
    increment(key) {
      const count = counts.get(key) ?? { totalHits: 0, resetTime: new Date(Date.now() + windowMs) }
      count.totalHits++
      if (count.totalHits === 1) counts.set(key, count)
      // A copy: it is looked at later, when others may have been counted.
      return { ...count }
    },
    decrement(key) {
      const count = counts.get(key)
      if (count !== undefined) count.totalHits--
      if (count?.totalHits === 0) counts.delete(key)
    },
    resetKey: (key) => void counts.delete(key),
  }
}

function tooManyAttempts(): Problem {
  const detail = 'Signing in has failed too often from here. Try again after Retry-After seconds.'
  return new Problem({ status: 429, code: 'too-many-attempts', detail })
}
