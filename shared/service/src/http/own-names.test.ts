import { afterEach, expect, test } from 'bun:test'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { createServiceApp } from '../index.ts'
import { ownNames } from './own-names.ts'

const servers: Bun.Server<undefined>[] = []
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.stop(true)))))

/** Serves an app as `serve` does for an environment. */
function listen(env: { NODE_ENV: string; HOST: string }): number {
  const { database, monitor } = createFakeDatabase()
  const health = { details: 'always' } as const
  const app = createServiceApp({
    service: 'test',
    version: '1',
    database,
    monitor,
    health,
    names: ownNames(env),
  })
  app.post('/things', (c) => c.json({}, 201))
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => app.fetch(request) })
  servers.push(server)
  return server.port ?? 0
}

async function answers(port: number, host: string) {
  const ask = (method: string, path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { Host: host } })
  const requests = [
    ask('GET', '/health/detailed'),
    ask('GET', '/health/monitor'),
    ask('GET', '/metrics'),
    ask('GET', '/openapi.json'),
    ask('GET', '/livez'),
    ask('POST', '/things'),
  ]
  return (await Promise.all(requests)).map(({ status }) => status)
}

const all = [200, 200, 200, 200, 200, 201]
const development = { NODE_ENV: 'development', HOST: '127.0.0.1' }

test.each(['127.0.0.1', 'localhost', '[::1]'])('in development a request to %s is answered', async (name) => {
  const port = listen(development)
  expect(await answers(port, `${name}:${port}`)).toEqual(all)
})

test.each(['page.example', '127.0.0.1.page.example', '10.0.0.1', 'localhost.page.example'])(
  'in development no route answers a request to %s, as of a page whose name was made to point here',
  async (name) => {
    const port = listen(development)
    expect(await answers(port, `${name}:${port}`)).toEqual(all.map(() => 421))
  },
)

test('a refusal is a problem that says what to do', async () => {
  const response = await fetch(`http://127.0.0.1:${listen(development)}/livez`, {
    headers: { Host: 'page.example' },
  })
  expect(await response.json()).toMatchObject({
    title: 'Misdirected Request',
    code: 'misdirected-request',
    detail: expect.stringContaining('HOST=0.0.0.0'),
  })
})

test.each([
  { NODE_ENV: 'production', HOST: '127.0.0.1' },
  { NODE_ENV: 'production', HOST: '0.0.0.0' },
  { NODE_ENV: 'development', HOST: '0.0.0.0' },
])('any name is answered with %j', async (env) => {
  expect(await answers(listen(env), 'auth.example')).toEqual(all)
})
