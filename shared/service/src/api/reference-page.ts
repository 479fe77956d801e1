import { resolve } from 'node:path'
import { Hono } from 'hono'
import style from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import script from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import type { HealthAccess } from '../context/context.ts'
import { guardDetails } from '../health/details-guard.ts'
import { pageHeaders } from '../http/security-headers.ts'
import { notFound } from '../problem/problem.ts'

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
  // A bundled program finds its files beside itself, wherever it was started.
  const read = (path: string) => Bun.file(resolve(import.meta.dir, path)).text()
  const files = new Map<string, { type: string; content: () => string | Promise<string> }>([
    ['swagger-ui.js', { type: 'text/javascript; charset=utf-8', content: () => read(script) }],
    ['swagger-ui.css', { type: 'text/css; charset=utf-8', content: () => read(style) }],
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
