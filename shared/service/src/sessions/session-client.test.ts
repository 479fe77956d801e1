import { afterEach, beforeEach, describe, expect, setSystemTime, test } from 'bun:test'
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
afterEach(async () => {
  setSystemTime()
  await auth.stop(true)
})

const client = (options: { timeoutMs?: number; cacheMs?: number } = {}) =>
  createSessionClient({ url: `http://127.0.0.1:${auth.port}`, timeoutMs: 60_000, ...options })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error) => `${error.status} ${error.code} ${error.headers['Retry-After']}`,
  )

describe('a session client', () => {
  test('asks once for a token that many bring at the same time, and again after its time', async () => {
    const start = new Date()
    setSystemTime(start)
    const sessions = client({ cacheMs: 1000 })
    const found = await Promise.all(Array.from({ length: 20 }, () => sessions.find('a', 'r')))
    expect({ found: new Set(found.map((one) => one?.userId)), asked }).toEqual({
      found: new Set([userId]),
      asked: ['Bearer a'],
    })
    answer = () => new Response(null, { status: 401 })
    setSystemTime(new Date(start.getTime() + 999))
    expect(await sessions.find('a', 'r')).toEqual({ userId })
    setSystemTime(new Date(start.getTime() + 1000))
    expect(await sessions.find('a', 'r')).toBeNull()
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

  /** What is said while auth answers this, and afterwards. */
  async function whileAndAfter(wrong: typeof answer, options = {}) {
    const sessions = client(options)
    const right = answer
    answer = wrong
    const during = await codeOf(sessions.find('a', 'r'))
    answer = right
    return { during, after: await sessions.find('a', 'r') }
  }
  const unavailable = { during: '503 sessions-unavailable 2', after: { userId } }

  test.each<[string, () => Response]>([
    ['fails', () => new Response(null, { status: 500 })],
    ['is busy', () => new Response(null, { status: 503 })],
    ['answers what is no session', () => Response.json({ userId: 'x' })],
    ['answers without end', () => new Response('x'.repeat(100_000))],
    ['redirects', () => Response.redirect('http://127.0.0.1:9/')],
  ])('is 503 while auth %s, and asks again next time', async (_what, wrong) => {
    expect(await whileAndAfter(wrong)).toEqual(unavailable)
  })

  test('is 503 while auth is too slow, and asks again next time', async () => {
    // Long enough for the answer that comes afterwards, on any machine.
    const slow = await whileAndAfter(() => new Promise(() => undefined), { timeoutMs: 2000 })
    expect(slow).toEqual(unavailable)
  })

  test('is 503 while nothing listens there', async () => {
    const sessions = createSessionClient({ url: 'http://127.0.0.1:9', timeoutMs: 60_000 })
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
