import { afterAll, beforeAll, expect, test } from 'bun:test'
import { migrate } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { type ServiceProcess, startService } from '@shared/service/testing'
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '@shared/telemetry/testing'

const root = `${import.meta.dir}/../../..`
/** In requests, never in telemetry. */
const canary = 'canary-7f3a'

// Both services as production starts them, and a collector that decodes what they send.
let collector: OtlpReceiver
const databases: TestDatabase[] = []
let product: ServiceProcess
let cart: ServiceProcess

async function prepare(service: string): Promise<TestDatabase> {
  const postgres = await withDatabase({ service })
  databases.push(postgres)
  await migrate({ url: postgres.migratorUrl, migrationsFolder: `${root}/drizzle/${service}/migrations` })
  return postgres
}

async function start(service: string, { appUrl }: TestDatabase, env: Record<string, string>) {
  const started = startService({
    entry: `${root}/services/${service}/src/index.ts`,
    env: {
      DATABASE_URL: appUrl,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      REQUIRE_SESSION: 'false',
      ...env,
    },
  })
  const url = await started.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).ok)
  return started
}

/** An SDK takes no longer timeout of an export than its interval. */
const sentSoon = (endpoint: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_METRIC_EXPORT_INTERVAL: '200',
  OTEL_METRIC_EXPORT_TIMEOUT: '200',
})

beforeAll(async () => {
  collector = startOtlpReceiver()
  product = await start('product', await prepare('product'), sentSoon(collector.url))
  cart = await start('cart', await prepare('cart'), {
    ...sentSoon(collector.url),
    PRODUCT_URL: await product.url(),
  })
}, 180_000)
afterAll(async () => {
  await cart?.[Symbol.asyncDispose]()
  await product?.[Symbol.asyncDispose]()
  await collector?.[Symbol.asyncDispose]()
  for (const database of databases) await database.drop()
})

async function send(service: ServiceProcess, method: string, path: string, body?: object, headers = {}) {
  const json = body && { 'Content-Type': 'application/json' }
  const response = await fetch((await service.url()) + path, {
    method,
    headers: { ...json, ...headers },
    body: body && JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as { id: string } }
}

let products = 0
async function addProduct(): Promise<string> {
  products += 1
  const lamp = { sku: `${canary}-${products}`, name: canary, priceMinor: 1999, currency: 'EUR' }
  return (await send(product, 'POST', '/products', lamp)).body.id
}

const openCart = async (from = cart) => (await send(from, 'POST', '/carts')).body.id

/** A trace as a caller begins one. */
function newTrace() {
  const hex = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex')
  const trace = { traceId: hex(16), spanId: hex(8) }
  return { ...trace, traceparent: `00-${trace.traceId}-${trace.spanId}-01` }
}

/** The spans of a trace, once there are as many as are expected. Whether somebody waits for a connection is not up to a test. */
async function spansOf(traceId: string, count: number): Promise<ReceivedSpan[]> {
  const all = () =>
    collector
      .spans()
      .filter((span) => span.traceId === traceId && span.name !== 'checkout' && span.name !== 'connect')
  await eventually(() => all().length >= count)
  return all()
}

/** The lines of a service's log that have a text, once there is one: what a process writes is read when it is our turn. */
async function linesWith(service: ServiceProcess, text: string): Promise<Record<string, unknown>[]> {
  const lines = () =>
    service
      .output()
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.includes(text))
  await eventually(() => lines().length > 0)
  return lines().map((line) => JSON.parse(line))
}

/** The spans below one, as tools draw them. */
function tree(spans: readonly ReceivedSpan[], parentSpanId: string): unknown[] {
  return spans
    .filter((span) => span.parentSpanId === parentSpanId)
    .map((span) => [`${span.service}: ${span.kind} ${span.name}`, ...tree(spans, span.spanId)])
}

test("one request is one trace, from the caller's span through both services to their databases", async () => {
  const [lamp, opened] = [await addProduct(), await openCart()]
  const { traceId, spanId, traceparent } = newTrace()
  const path = `/carts/${opened}/items/${lamp}?note=${canary}`
  const answer = await send(cart, 'PUT', path, { quantity: 2 }, { traceparent, tracestate: 'vendor=1' })
  expect(answer.status).toBe(200)
  const spans = await spansOf(traceId, 8)
  expect(tree(spans, spanId)).toEqual([
    [
      'cart: SERVER PUT /carts/:id/items/:productId',
      ['cart: CLIENT SELECT carts'],
      [
        'cart: CLIENT GET',
        ['product: SERVER GET /products/:id', ['product: CLIENT SELECT products SELECT SELECT stock']],
      ],
      ['cart: INTERNAL transaction', ['cart: CLIENT UPDATE carts'], ['cart: CLIENT INSERT cart_items']],
    ],
  ])
  expect(spans.find(({ name }) => name === 'INSERT cart_items')).toMatchObject({
    scope: '@shared/telemetry',
    isError: false,
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': new URL(databases[1]?.appUrl ?? '').pathname.slice(1),
      'db.query.summary': 'INSERT cart_items',
      'db.operation.name': 'INSERT',
      'db.query.text': expect.stringMatching(
        /^insert into "cart_items" .* values \(\$1, \$2, \$3, \$4, default\)/,
      ),
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(databases[1]?.appUrl ?? '').port),
    },
  })
  expect(spans.find(({ kind }) => kind === 'SERVER')?.attributes).toMatchObject({
    'http.response.status_code': 200,
  })
})

test('the log of each service has the ids of the trace, in the line of the request', async () => {
  const [lamp, opened] = [await addProduct(), await openCart()]
  const { traceId, traceparent } = newTrace()
  await send(cart, 'PUT', `/carts/${opened}/items/${lamp}`, { quantity: 1 }, { traceparent })
  const spans = await spansOf(traceId, 8)
  for (const [name, service] of Object.entries({ cart, product })) {
    const server = spans.find((span) => span.service === name && span.kind === 'SERVER')
    expect(await linesWith(service, traceId)).toEqual([
      expect.objectContaining({ trace_id: traceId, span_id: server?.spanId, status: 200 }),
    ])
  }
})

test('a traceparent that is none begins a new trace', async () => {
  const requestId = crypto.randomUUID()
  const traceparent = `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`
  await send(cart, 'POST', '/carts', undefined, { traceparent, 'X-Request-Id': requestId })
  const [line] = await linesWith(cart, requestId)
  const request = () => collector.spans().find(({ spanId }) => spanId === line?.span_id)
  await eventually(() => request() !== undefined)
  expect(request()).toMatchObject({
    name: 'POST /carts',
    parentSpanId: '',
    traceId: expect.not.stringMatching(/^0+$/),
  })
})

test('metrics of requests, statements and pools arrive', async () => {
  await openCart()
  const series = (service: string) => collector.metrics().filter((metric) => metric.service === service)
  const names = (service: string) => [...new Set(series(service).map(({ name }) => name))].toSorted()
  const expected = [
    'db.client.connection.count',
    'db.client.connection.create_time',
    'db.client.connection.idle.max',
    'db.client.connection.limit',
    'db.client.connection.pending_requests',
    'db.client.connection.timeouts',
    'db.client.connection.wait_time',
    'db.client.operation.duration',
    'db.client.response.returned_rows',
    'http.server.request.duration',
  ]
  await eventually(
    () => names('cart').length >= expected.length && names('product').length >= expected.length,
  )
  expect({ cart: names('cart'), product: names('product') }).toEqual({ cart: expected, product: expected })
  expect(series('cart')).toContainEqual({
    service: 'cart',
    name: 'db.client.connection.limit',
    unit: '{connection}',
    attributes: { 'db.client.connection.pool.name': 'cart' },
    value: 30,
  })
})

test('no parameter, query, password or text of an error is in what was sent', async () => {
  const { traceId, traceparent } = newTrace()
  const twice = { sku: `${canary}-1`, name: canary, priceMinor: 1, currency: 'EUR' }
  await addProduct()
  expect(await send(product, 'POST', '/products', twice, { traceparent })).toMatchObject({ status: 409 })
  await spansOf(traceId, 3)
  const passwords = databases.map(({ appUrl }) => new URL(appUrl).password)
  for (const secret of [canary, ...passwords]) expect(collector.text()).not.toContain(secret)
})

test('a service without an endpoint passes the trace on, and its logs have it', async () => {
  await using silent = await start('cart', databases[1] as TestDatabase, { PRODUCT_URL: await product.url() })
  const [lamp, opened] = [await addProduct(), await openCart(silent)]
  const { traceId, spanId, traceparent } = newTrace()
  await send(silent, 'PUT', `/carts/${opened}/items/${lamp}`, { quantity: 1 }, { traceparent })
  const spans = await spansOf(traceId, 2)
  expect(tree(spans, spanId)).toEqual([
    ['product: SERVER GET /products/:id', ['product: CLIENT SELECT products SELECT SELECT stock']],
  ])
  expect(await linesWith(silent, traceId)).toEqual([
    expect.objectContaining({ trace_id: traceId, span_id: spanId }),
  ])
})

test('what is not sent yet is sent when a service stops', async () => {
  const hour = '3600000'
  await using late = await start('product', databases[0] as TestDatabase, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'late',
    OTEL_BSP_SCHEDULE_DELAY: hour,
    OTEL_METRIC_EXPORT_INTERVAL: hour,
  })
  await send(late, 'GET', `/products/${crypto.randomUUID()}`)
  const sent = () =>
    [...collector.spans(), ...collector.metrics()].filter(({ service }) => service === 'late')
  expect(sent()).toEqual([])
  late.kill('SIGTERM')
  expect(await late.exited).toBe(0)
  // What it has sent is here, and read when it is our turn.
  await eventually(() => {
    expect(sent().map(({ name }) => name)).toContain('GET /products/:id')
    expect(sent().map(({ name }) => name)).toContain('db.client.operation.duration')
  })
})

test.each(['nothing listens', 'a listener is silent'])(
  'a collector where %s disturbs nothing',
  async (kind) => {
    using silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const port = kind === 'nothing listens' ? 9 : silent.port
    const hours = '7200000'
    await using alone = await start('product', databases[0] as TestDatabase, {
      ...sentSoon(`http://127.0.0.1:${port}`),
      // Nobody but the stop itself gives up, so that this would outlast any test if it waited for the collector.
      OTEL_EXPORTER_OTLP_TIMEOUT: hours,
      OTEL_BSP_EXPORT_TIMEOUT: hours,
      SHUTDOWN_TIMEOUT: '3600',
    })
    for (let request = 0; request < 50; request++) {
      expect((await send(alone, 'GET', `/products/${crypto.randomUUID()}`)).status).toBe(404)
    }
    const failure = 'telemetry: the SDK reports a failure'
    await linesWith(alone, failure)
    alone.kill('SIGTERM')
    expect(await alone.exited).toBe(0)
    const times = (await linesWith(alone, failure)).map(({ time }) => Date.parse(String(time)))
    // At once, then at most every minute.
    const minutes = Math.floor((Math.max(...times) - Math.min(...times)) / 60_000)
    expect(times.length).toBeLessThanOrEqual(2 + minutes)
  },
  180_000,
)
