import { expect, test } from 'bun:test'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { createServiceApp, type HealthAccess } from '../index.ts'

const createApp = (health?: HealthAccess) =>
  createServiceApp({ service: 'test', version: '1', database: createFakeDatabase().database, health })
const app = createApp({ details: 'always' })

test('the page and its files come from the service, and may load nothing from anywhere else', async () => {
  const page = await app.request('/docs')
  const html = await page.text()
  const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address)
  expect(page.headers.get('Content-Security-Policy')).toBe(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'",
  )
  expect(addresses).toEqual(['data:,', 'docs/swagger-ui.css', 'docs/swagger-ui.js', 'docs/start.js'])
  expect(html).not.toContain('<script>')
})

test.each([
  ['swagger-ui.js', 'text/javascript; charset=utf-8', 'SwaggerUIBundle'],
  ['swagger-ui.css', 'text/css; charset=utf-8', '.swagger-ui'],
  ['start.js', 'text/javascript; charset=utf-8', "url: 'openapi.json'"],
])('%s is served as %s', async (file, type, content) => {
  const response = await app.request(`/docs/${file}`)
  expect({ status: response.status, type: response.headers.get('Content-Type') }).toEqual({
    status: 200,
    type,
  })
  expect(response.headers.get('X-Request-Id')).not.toBeNull()
  expect(await response.text()).toContain(content)
})

test.each(['package.json', '..%2f..%2fpackage.json', '__proto__', 'constructor'])(
  'no other file is served: %s',
  async (file) => {
    expect((await app.request(`/docs/${file}`)).status).toBe(404)
  },
)

test.each(['/docs', '/docs/start.js', '/openapi.json'])(
  '%s is guarded like the details of the health: open, with the token, or not there',
  async (path) => {
    const token = 'a-token-of-some-length'
    const statusOf = async (health?: HealthAccess, bearer?: string) => {
      const headers = new Headers(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` })
      return (await createApp(health).request(path, { headers })).status
    }
    expect({
      open: await statusOf({ details: 'always' }),
      withToken: await statusOf({ details: 'token', token }, token),
      withoutToken: await statusOf({ details: 'token', token }),
      withAnother: await statusOf({ details: 'token', token }, 'another-token-of-it'),
      never: await statusOf({ details: 'never' }, token),
      byDefault: await statusOf(),
    }).toEqual({ open: 200, withToken: 200, withoutToken: 401, withAnother: 401, never: 404, byDefault: 404 })
  },
)
