import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { createSessionClient, sessionsOf } from './session-client.ts'

const userId = crypto.randomUUID()
const session = (expiresInMs = 60_000) => ({
  userId,
  expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
})

/** What is asked for by which token, and how a program in auth's place answers. */
let asked: (string | null)[]
let answer: () => Response | Promise<Response>
let auth: Bun.Server<undefined>
beforeEach(() => {
  asked = []
  answer = () => Response.json(session())
  const fetch = (request: Request) => {
    asked.push(request.headers.get('Authorization'))
    return answer()
  }
  auth = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch })
})
afterEach(() => auth.stop(true))

const client = (options: { timeoutMs?: number; cacheMs?: number } = {}) =>
  createSessionClient({ url: `http://127.0.0.1:${auth.port}`, timeoutMs: 2000, ...options })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error) => `${error.status} ${error.code} ${error.headers['Retry-After']}`,
  )

describe('a session client', () => {
  test('asks once for a token that many bring at the same time, and again after its time', async () => {
    const sessions = client({ cacheMs: 1000 })
    const found = await Promise.all(Array.from({ length: 20 }, () => sessions.find('a', 'r')))
    expect({ found: new Set(found.map((one) => one?.userId)), asked }).toEqual({
      found: new Set([userId]),
      asked: ['Bearer a'],
    })
    answer = () => new Response(null, { status: 401 })
    await eventually(async () => (await sessions.find('a', 'r')) === null)
    // From then on that is what is remembered.
    await sessions.find('a', 'r')
    expect(asked).toHaveLength(2)
  })

  test('remembers no session beyond its own end', async () => {
    answer = () => Response.json(session(0))
    const sessions = client()
    await sessions.find('a', 'r')
    await sessions.find('a', 'r')
    expect(asked).toHaveLength(2)
  })

  test('remembers what is unknown too, and made-up tokens push out no session', async () => {
    const sessions = client({ cacheMs: 60_000 })
    await sessions.find('known', 'r')
    answer = () => new Response(null, { status: 401 })
    for (let n = 0; n < 3; n++) expect(await sessions.find('made-up', 'r')).toBeNull()
    expect(asked).toEqual(['Bearer known', 'Bearer made-up'])
    expect(await sessions.find('x'.repeat(513), 'r')).toBeNull()
    expect(asked).toHaveLength(2)
    expect(await sessions.find('known', 'r')).toEqual({ userId })
  })

  test.each<[string, () => Response | Promise<Response>]>([
    ['fails', () => new Response(null, { status: 500 })],
    ['is busy', () => new Response(null, { status: 503 })],
    ['answers what is no session', () => Response.json({ userId: 'x' })],
    ['answers without end', () => new Response('x'.repeat(100_000))],
    ['redirects', () => Response.redirect('http://127.0.0.1:9/')],
    ['is too slow', () => new Promise(() => undefined)],
  ])('is 503 while auth %s, and asks again next time', async (_what, wrong) => {
    const sessions = client({ timeoutMs: 300 })
    const right = answer
    answer = wrong
    expect(await codeOf(sessions.find('a', 'r'))).toBe('503 sessions-unavailable 2')
    answer = right
    expect(await sessions.find('a', 'r')).toEqual({ userId })
  })

  test('is 503 while nothing listens there', async () => {
    const sessions = createSessionClient({ url: 'http://127.0.0.1:9', timeoutMs: 2000 })
    expect(await codeOf(sessions.find('a', 'r'))).toBe('503 sessions-unavailable 2')
  })
})

test('sessions are asked for unless it is development, or the setting says otherwise', () => {
  const isAsked = (NODE_ENV: string, REQUIRE_SESSION?: boolean) =>
    sessionsOf({ NODE_ENV, REQUIRE_SESSION, AUTH_URL: 'http://auth', AUTH_TIMEOUT: 2 }) !== null
  expect([
    isAsked('production'),
    isAsked('test'),
    isAsked('development'),
    isAsked('development', true),
    isAsked('production', false),
  ]).toEqual([true, true, false, true, false])
})
