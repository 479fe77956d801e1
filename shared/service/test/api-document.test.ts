import { expect, test } from 'bun:test'
import { createRoute, z } from '@hono/zod-openapi'
import { createServiceApp } from '../src/index.ts'
import {
  answerFindings,
  exampleFindings,
  readDocument,
  routeFindings,
} from '../src/testing/openapi/findings.ts'
import { createFakeDatabase } from './fake-database.ts'

const thing = z.object({ id: z.int() })

/** An app whose document is wrong in every way that the tests of documents look for. */
function createSloppyApp() {
  const { database, monitor } = createFakeDatabase()
  const health = { details: 'always' } as const
  const app = createServiceApp({ service: 'sloppy', version: '1', database, monitor, health })
  app.get('/secret', (c) => c.text('undocumented'))
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/gone',
    summary: 'x',
    responses: { 204: { description: 'x' } },
  })
  const route = (path: string, content: object, more: object = {}) =>
    createRoute({
      method: 'get',
      path,
      summary: 'x',
      ...more,
      responses: {
        200: { description: 'x', content: { 'application/json': { schema: thing, ...content } } },
      },
    })
  app.openapi(route('/no-example', {}), (c) => c.json({ id: 1 }, 200))
  app.openapi(route('/wrong-example', { example: { id: 'one' } }), (c) => c.json({ id: 1 }, 200))
  app.openapi(route('/wrong-answer', { example: { id: 1 } }), (c) => c.json({ id: 1.5 }, 200))
  app.openapi(
    route(
      '/no-input-example/{id}',
      { example: { id: 1 } },
      { request: { params: z.object({ id: z.string() }) } },
    ),
    (c) => c.json({ id: 1 }, 200),
  )
  app.openapi(route('/fails', { example: { id: 1 } }), () => {
    throw new Error('it fails')
  })
  return app
}

test('a document is found wrong with routes too few and too many', async () => {
  const app = createSloppyApp()
  expect(routeFindings(app, await readDocument(app))).toEqual([
    'GET /secret is not documented',
    'GET /gone is not served',
  ])
})

test('a document is found wrong with examples that are missing or not what their schema allows', async () => {
  expect(exampleFindings(await readDocument(createSloppyApp()))).toEqual([
    'GET /no-example has no example of the answer application/json',
    expect.stringMatching(/wrong-example.*: \/id must be integer$/),
    'GET /no-input-example/{id} has no example of id',
  ])
})

test('a service is found wrong whose answers are not what is documented', async () => {
  const app = createSloppyApp()
  const findings = await answerFindings(app, await readDocument(app), () => undefined)
  // What the fake database has no numbers for is not what is looked at here.
  expect(findings.filter((finding) => !/health|metrics/.test(finding))).toEqual([
    expect.stringMatching(/^GET \/gone: 404 instead of 204/),
    expect.stringMatching(/wrong-answer.*: \/id must be integer$/),
    expect.stringMatching(/^GET \/fails: 500 instead of 200/),
  ])
})
