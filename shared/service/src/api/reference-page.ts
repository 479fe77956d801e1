import { Hono } from 'hono'
import type { HealthAccess } from '../context/context.ts'
import { guardDetails } from '../health/details-guard.ts'
import { pageHeaders } from '../http/security-headers.ts'
import { notFound } from '../problem/problem.ts'
import { readReferenceFile } from './reference-files.ts'

const page = (title: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="docs/swagger-ui.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

/** No validator: it would send the document's address to a third party. */
const start = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
})
`

/**
 * The API's reference as a page that also sends requests: `GET /docs`. It loads nothing from any other host. Guarded
 * like the document that it shows.
 */
export function referencePage(service: string, access?: HealthAccess): Hono {
  const files = new Map<string, { type: string; content: () => string | Promise<string> }>([
    [
      'swagger-ui.js',
      { type: 'text/javascript; charset=utf-8', content: () => readReferenceFile('swagger-ui-bundle.js') },
    ],
    [
      'swagger-ui.css',
      { type: 'text/css; charset=utf-8', content: () => readReferenceFile('swagger-ui.css') },
    ],
    ['start.js', { type: 'text/javascript; charset=utf-8', content: () => start }],
  ])
  const guard = guardDetails(access)
  const routes = new Hono()
  routes.get('/docs', guard, pageHeaders(), (c) => c.html(page(`${service} service`)))
  routes.get('/docs/:file', guard, async (c) => {
    const found = files.get(c.req.param('file'))
    if (found === undefined) throw notFound('file')
    const headers = { 'Content-Type': found.type, 'Cache-Control': 'public, max-age=3600' }
    return c.body(await found.content(), 200, headers)
  })
  return routes
}
