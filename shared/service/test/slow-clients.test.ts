import { afterEach, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { createServiceApp, silentLogger } from '../src/index.ts'
import { listen } from '../src/serve/listen.ts'
import type { Listening } from '../src/serve/listening.ts'
import { createFakeDatabase } from './fake-database.ts'

const servers: Listening[] = []
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.stop(true)))))

/** A service on a real socket, with times as short as Bun counts them; a slow thing is made when `answer` is called. */
async function start(options: { bodySeconds?: number; idleSeconds?: number } = {}) {
  const { database, monitor } = createFakeDatabase()
  const { bodySeconds, idleSeconds = 65 } = options
  const app = createServiceApp({ service: 'test', version: '1', database, monitor, bodySeconds })
  const gate = Promise.withResolvers<void>()
  app.post('/things', (c) => c.json({}, 201))
  app.post('/slow-things', async (c) => {
    await gate.promise
    return c.json({}, 201)
  })
  const server = await listen({
    fetch: (request, self) => app.fetch(request, self),
    host: '127.0.0.1',
    port: 0,
    idleSeconds,
    logger: silentLogger(),
  })
  servers.push(server)
  return { port: server.port, answer: gate.resolve }
}

/**
 * Sends a text at once, then 80 parts, one every half second, and the end, unless the server closes the connection before.
 *
 * @returns The statuses that came back; whether all was sent; and what another client gets once the connection is closed.
 */
async function drip({ port }: { port: number }, text: string, { part = 'x', end = '' } = {}) {
  const socket = connect(port, '127.0.0.1')
  let answers = ''
  socket.on('data', (data) => {
    answers += data
  })
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(text)
  let left = 80
  const timer = setInterval(() => {
    if (left-- > 0) return socket.write(part)
    socket.end(end)
    clearInterval(timer)
  }, 500)
  await closed
  clearInterval(timer)
  return {
    statuses: [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, s]) => s),
    isAllSent: left < 0,
    others: (await fetch(`http://127.0.0.1:${port}/livez`)).status,
  }
}

const head = 'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const whole = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'

describe('a client that sends a byte now and then loses its connection, and others do not', () => {
  // What Bun does by itself: if an upgrade changes it, this is where it shows.
  test('in the head of its first request', async () => {
    const cut = await drip(await start(), `${head}X-Slow: `, { end: '\r\nContent-Length: 2\r\n\r\n{}' })
    expect(cut).toEqual({ statuses: [], isAllSent: false, others: 200 })
  }, 120_000)

  test('in the head of a later one, when the time of an idle connection is over', async () => {
    const cut = await drip(await start({ idleSeconds: 4 }), `${whole}${head}X-Slow: `, {
      end: '\r\nContent-Length: 2\r\n\r\n{}',
    })
    expect(cut).toEqual({ statuses: ['200'], isAllSent: false, others: 200 })
  }, 120_000)

  test('in a body of known length', async () => {
    const cut = await drip(await start({ bodySeconds: 4 }), `${head}Content-Length: 80\r\n\r\n`)
    expect(cut).toEqual({ statuses: [], isAllSent: false, others: 200 })
  }, 120_000)

  test('in a body of unknown length', async () => {
    const cut = await drip(await start({ bodySeconds: 4 }), `${head}Transfer-Encoding: chunked\r\n\r\n`, {
      part: '1\r\nx\r\n',
      end: '0\r\n\r\n',
    })
    expect(cut).toEqual({ statuses: [], isAllSent: false, others: 200 })
  }, 120_000)
})

test('an answer may take longer than a body, and the connection goes on after it', async () => {
  const service = await start({ bodySeconds: 1 })
  const socket = connect(service.port, '127.0.0.1')
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve('closed')))
  const ask = (text: string) => {
    socket.write(text)
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    return Promise.race([closed, answered])
  }
  // When one that begins later has lost its connection, the time of a body is over.
  const outlast = () => drip(service, `${head}Content-Length: 80\r\n\r\n`)
  const slow = ask(`${head.replace('/things', '/slow-things')}Content-Length: 2\r\n\r\n{}`)
  const during = await outlast()
  service.answer()
  const first = await slow
  const idle = await outlast()
  const answers = [first, await ask(whole)].map((text) => text.slice(0, 12))
  socket.destroy()
  expect({ answers, isAllSent: during.isAllSent || idle.isAllSent }).toEqual({
    answers: ['HTTP/1.1 201', 'HTTP/1.1 200'],
    isAllSent: false,
  })
}, 120_000)
