// A service of a project of its own: it answers, sends its traces, and a signal ends it in order.
import { createServer as createCollector } from 'node:http'
import { createServer } from 'node:net'
import { createDatabase } from '@shared/database'
import { createServiceEnv, databaseOptions, readOrExit } from '@shared/env'
import { createServiceApp, serve } from '@shared/service'
import { sql } from 'drizzle-orm'

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

const sent = {}
const collector = createCollector(async (request, response) => {
  const body = Buffer.concat(await request.toArray())
  sent[request.url] ??= { statement: false }
  sent[request.url].statement ||= body.includes('db.query.text')
  response.end()
})
await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve))
collector.unref()
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${collector.address().port}`
process.env.OTEL_TRACES_EXPORTER = 'otlp'

const port = await freePort()
const database = new URL(process.env.DATABASE_URL).pathname.slice(1)
const env = readOrExit(() => createServiceEnv({ service: 'example', database, port }))
await serve({
  service: 'example',
  env,
  openDatabase: (onEvent) => createDatabase({ name: 'example', onEvent, ...databaseOptions(env) }),
  createApp: (context) => {
    const app = createServiceApp({ service: 'example', version: '1.0.0', ...context })
    app.get('/one', async (c) => c.json(await context.database.db.execute(sql`select 1 as one`)))
    return app
  },
})
const answers = {}
for (const path of ['/readyz', '/one', '/metrics', '/docs/swagger-ui.css', '/nowhere']) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  await response.text()
  answers[path] = response.status
}
// The log is on the other stream.
process.on('exit', () => console.error(JSON.stringify({ answers, traces: sent['/v1/traces'] })))
process.kill(process.pid, 'SIGTERM')
