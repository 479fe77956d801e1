import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { ConsolePortError, type RunningConsole, serveConsole } from '../src/index.ts'
import { startWorld, type World, type WorldService } from '../src/testing/index.ts'
import { watchServices } from '../src/watch-services.ts'
import type { Update } from '../src/wire.ts'

let world: World
let auth: WorldService
let server: RunningConsole

beforeAll(async () => {
  world = await startWorld({ services: ['auth'], env: { LOG_LEVEL: 'trace' } })
  const [service] = world.services
  if (service === undefined) throw new Error('no service')
  auth = service
  server = serveConsole({ targets: [auth.target], port: 0 })
}, 120_000)
afterAll(async () => {
  await server?.stop()
  await world?.[Symbol.asyncDispose]()
}, 120_000)

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.url}${path}`, { headers })

describe('the console', () => {
  test('serves a page that may load nothing from elsewhere, and everything it loads', async () => {
    const page = await get('/')
    const html = await page.text()
    const links = [...html.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path = '']) => path)
    const answers = await Promise.all(links.map(async (path) => (await get(path)).status))
    expect({
      start: html.slice(0, 15),
      csp: page.headers.get('Content-Security-Policy'),
      links,
      answers,
    }).toEqual({
      start: '<!doctype html>',
      csp: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      links: ['/icon.svg', '/console.css', '/console.js'],
      answers: [200, 200, 200],
    })
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
  })

  test('answers to the names of this machine only, so that no other site can point its name here', async () => {
    const asked = ['localhost', '127.0.0.1', 'example.org', '127.0.0.1.example.org'].map(
      async (host) => (await get('/services/auth', { Host: `${host}:${server.port}` })).status,
    )
    expect(await Promise.all(asked)).toEqual([200, 200, 421, 421])
  })

  test('hands details on without the token, and says why it cannot', async () => {
    const details = await get('/services/auth')
    const text = await details.text()
    const none = await get('/services/nobody')
    expect({ details: JSON.parse(text), none: [none.status, await none.json()] }).toMatchObject({
      details: { service: 'auth', pool: { poolSize: 10 }, statements: expect.any(Array) },
      none: [404, { reason: 'There is no such service.' }],
    })
    expect(text).not.toContain(auth.target.token ?? 'none')
  })

  test('streams everything first, then what is new, and nothing secret', async () => {
    const leave = new AbortController()
    const response = await fetch(`${server.url}/events`, { signal: leave.signal })
    const decoder = new TextDecoder()
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
    })().catch(() => undefined)
    const updates = (): Update[] =>
      text
        .split('\n\n')
        .slice(0, -1)
        .map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? 'null'))
    const isNews = ({ whole, services }: Update): boolean => !whole && services[0]?.samples.length === 1
    await eventually(() => updates().some(isNews))
    leave.abort()
    await reading
    const [first, second] = updates()
    const news = updates().find(isNews)
    expect({ type: response.headers.get('Content-Type'), first, second, news }).toMatchObject({
      type: 'text/event-stream',
      first: { complete: true, whole: true },
      second: { complete: false, whole: true, services: [{ name: 'auth', status: 'healthy' }] },
      news: { complete: false, services: [{ name: 'auth', status: 'healthy', samples: [{ max: 30 }] }] },
    })
    expect(text).not.toContain(auth.target.token ?? 'none')
  }, 120_000)

  test('says that its port is taken', () => {
    expect(() => serveConsole({ targets: [], port: server.port })).toThrow(ConsolePortError)
    expect(() => serveConsole({ targets: [], port: server.port })).toThrow(`port ${server.port} is taken`)
  })
})

describe('the services', () => {
  /** The real service behind a server that counts what reaches it. */
  function startCounter() {
    let asked = 0
    let open = 0
    let most = 0
    const counter = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        asked += 1
        open += 1
        most = Math.max(most, open)
        const { pathname, search } = new URL(request.url)
        const { headers } = request
        return await fetch(`${auth.target.url}${pathname}${search}`, { headers }).finally(() => {
          open -= 1
        })
      },
    })
    return {
      target: { ...auth.target, url: `http://127.0.0.1:${counter.port}` },
      get asked() {
        return asked
      },
      /** The most questions that were open at a time. */
      get most() {
        return most
      },
      [Symbol.asyncDispose]: () => counter.stop(true),
    }
  }
  const patient = { intervalMs: 10, timeoutMs: 60_000 }

  test('are asked while somebody watches and a little longer, by one poller for all', async () => {
    await using counter = startCounter()
    const watch = watchServices({ targets: [counter.target], ...patient, lingerMs: 3_600_000 })
    try {
      const seen: [Update[], Update[]] = [[], []]
      expect(counter.asked).toBe(0)
      const leave = seen.map((updates) => watch.subscribe((update) => updates.push(update)))
      await eventually(() => seen.every((updates) => updates.length >= 5))
      expect(seen[0]).toEqual(seen[1])
      expect(counter.asked - seen[0].length).toBeOneOf([0, 1])
      expect(counter.most).toBe(1)
      for (const go of leave) go()
      const { asked } = counter
      const { length } = seen[0]
      await eventually(() => counter.asked > asked + 1)
      expect(seen[0]).toHaveLength(length)
    } finally {
      watch.stop()
    }
  })

  test('are asked no more a while after the last watcher has gone, and anew for the next', async () => {
    await using counter = startCounter()
    const watch = watchServices({ targets: [counter.target], ...patient, lingerMs: 1 })
    try {
      const seen: Update[] = []
      const watchFor = async (updates: number): Promise<void> => {
        seen.length = 0
        const leave = watch.subscribe((update) => seen.push(update))
        await eventually(() => seen.length >= updates)
        leave()
      }
      await watchFor(2)
      expect(seen.slice(0, 2).map(({ whole }) => whole)).toEqual([true, false])
      // Who comes while it still asks is told what is new alone.
      await eventually(async () => {
        await watchFor(1)
        return seen[0]?.whole === true
      })
      const before = counter.asked
      await watchFor(6)
      // The answer to a question before may be among those seen, and one may be under way.
      expect(counter.asked - before - seen.length).toBeOneOf([-1, 0, 1])
    } finally {
      watch.stop()
    }
  })

  test('that answer slowly do not delay the others', async () => {
    await using frozen = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Promise<Response>(() => undefined),
    })
    const slow = { name: 'slow', url: `http://127.0.0.1:${frozen.port}` }
    const watch = watchServices({ targets: [slow, auth.target], intervalMs: 10, timeoutMs: 3_600_000 })
    const seen: string[] = []
    try {
      watch.subscribe(({ services: [view] }) => seen.push(`${view?.name} ${view?.status}`))
      await eventually(() => seen.length > 3)
      expect(new Set(seen)).toEqual(new Set(['auth healthy']))
    } finally {
      watch.stop()
    }
    const impatient = watchServices({ targets: [slow], timeoutMs: 500 })
    try {
      impatient.subscribe(({ services: [view] }) => seen.push(`${view?.name} ${view?.status}`))
      await eventually(() => seen.includes('slow unreachable'))
      expect(impatient.snapshot().services[0]?.reason).toBe('It does not answer within 0.5 s.')
    } finally {
      impatient.stop()
    }
  })
})
