import { describe, expect, test } from 'bun:test'
import { createServer } from 'node:net'
import { Problem } from '@shared/service'
import { createProductClient } from '../src/product-client.ts'

const id = '018f4b7e-2c52-7c7e-9d0c-9f6f0e1b2c3d'
const tea = { id, sku: 'TEA-1', name: 'Green tea', priceMinor: 450, currency: 'EUR', stock: 7 }
const request = { requestId: 'r-1', signal: new AbortController().signal }

/** Also of a resolver that takes its time to say that it does not know a name. */
const patientMs = 120_000

/** A product service that answers as the test has it, and what its client makes of that. */
async function askOne(answer: (request: Request) => Response | Promise<Response>, timeoutMs = patientMs) {
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', development: false, fetch: answer })
  return await outcome(server.url.href, timeoutMs)
}

async function outcome(url: string, timeoutMs = patientMs): Promise<Record<string, unknown>> {
  try {
    return await createProductClient({ url: url.replace(/\/$/, ''), timeoutMs }).read(id, request)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { status, code, message, headers } = error
    return { status, code, detail: message, retryAfter: headers['Retry-After'] ?? null }
  }
}

test('a product is read by its id, and only what cart needs of it', async () => {
  const asked: string[] = []
  const product = await askOne(({ method, url, headers }) => {
    asked.push(`${method} ${new URL(url).pathname} ${headers.get('X-Request-Id')}`)
    return Response.json(tea)
  })
  expect({ product, asked }).toEqual({
    product: { id, priceMinor: 450, currency: 'EUR' },
    asked: [`GET /products/${id} r-1`],
  })
})

test('a product service under a path is asked there', async () => {
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) =>
      new URL(url).pathname === `/shop/products/${id}` ? Response.json(tea) : new Response(),
  })
  expect(await outcome(new URL('shop', server.url).href)).toMatchObject({ priceMinor: 450 })
})

test('a product that does not exist is a 404 that names it', async () => {
  const answer = () => Response.json({ code: 'product-not-found' }, { status: 404 })
  expect(await askOne(answer)).toEqual({
    status: 404,
    code: 'product-not-found',
    detail: `There is no product ${id}.`,
    retryAfter: null,
  })
})

describe('an answer that makes no sense is a 502', () => {
  const json = (value: unknown) => () => Response.json(value)
  test.each<[string, () => Response, string]>([
    [
      'HTML',
      () => new Response('<h1>hello</h1>', { headers: { 'Content-Type': 'text/html' } }),
      'no product',
    ],
    ['nothing', () => new Response(null), 'no product'],
    ['half of its JSON', () => new Response(JSON.stringify(tea).slice(0, -9)), 'no product'],
    ['null', json(null), 'no product'],
    ['a list', json([tea]), 'no product'],
    ['no price', json({ ...tea, priceMinor: undefined }), 'no product'],
    ['a price in words', json({ ...tea, priceMinor: '450' }), 'no product'],
    ['a negative price', json({ ...tea, priceMinor: -1 }), 'no product'],
    ['half a cent', json({ ...tea, priceMinor: 0.5 }), 'no product'],
    ['a price beyond what is exact', json({ ...tea, priceMinor: 2 ** 60 }), 'no product'],
    ['a currency that is none', json({ ...tea, currency: 'euro' }), 'no product'],
    ['another product', json({ ...tea, id: crypto.randomUUID() }), 'another product'],
    ['a megabyte', json({ ...tea, name: 'x'.repeat(1_000_000) }), 'no product'],
    ['a 404 of somebody else', () => new Response('not here', { status: 404 }), 'status 404'],
    ['a 400', () => Response.json({ code: 'invalid-request' }, { status: 400 }), 'status 400'],
    ['a 500', () => Response.json({ code: 'internal' }, { status: 500 }), 'status 500'],
    ['a redirect', () => Response.redirect('http://127.0.0.1:9/elsewhere'), 'status 302'],
  ])('%s', async (_name, answer, reason) => {
    expect(await askOne(answer)).toEqual({
      status: 502,
      code: 'product-answer-invalid',
      detail: expect.stringContaining(reason),
      retryAfter: null,
    })
  })

  test('a body without end', async () => {
    const chunk = new Uint8Array(16_384)
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }))
    expect(await askOne(endless)).toMatchObject({ status: 502, code: 'product-answer-invalid' })
  })
})

describe('a product service that is not there is a 503', () => {
  const unavailable = { status: 503, code: 'product-unavailable', detail: expect.any(String) }

  test('nobody listens', async () => {
    expect(await outcome('http://127.0.0.1:9')).toEqual({ ...unavailable, retryAfter: '2' })
  })

  test('its name is not known', async () => {
    expect(await outcome('http://product.invalid')).toEqual({ ...unavailable, retryAfter: '2' })
  }, 180_000)

  test('it hangs up, or does not speak HTTP', async () => {
    for (const greeting of ['', 'SSH-2.0-OpenSSH_9.9\r\n']) {
      const server = createServer((socket) => socket.end(greeting)).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0
      expect(await outcome(`http://127.0.0.1:${port}`)).toEqual({ ...unavailable, retryAfter: '2' })
      server.close()
    }
  })

  test.each([
    [503, '7', '7'],
    [503, null, '2'],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', '2'],
    [429, '3', '3'],
    [502, null, '2'],
    [504, null, '2'],
  ])('it is busy: %i, Retry-After %p becomes %p', async (status, after, retryAfter) => {
    const headers: Record<string, string> = after === null ? {} : { 'Retry-After': after }
    expect(await askOne(() => Response.json({ code: 'database-busy' }, { status, headers }))).toEqual({
      ...unavailable,
      retryAfter,
    })
  })
})

describe('a product service that is too slow is a 503', () => {
  const timeout = {
    status: 503,
    code: 'product-timeout',
    detail: 'The product service took too long to answer. Try again shortly.',
    retryAfter: '2',
  }

  test('it never begins to answer', async () => {
    expect(await askOne(() => new Promise<Response>(() => undefined), 50)).toEqual(timeout)
  })

  test('it begins and does not end', async () => {
    const half = () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{"id"')) }),
      )
    expect(await askOne(half, 50)).toEqual(timeout)
  })

  test('it accepts the connection and is silent', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    expect(await outcome(`http://127.0.0.1:${port}`, 50)).toEqual(timeout)
    server.close()
  })
})

test('a client that hangs up ends the asking, as no problem of the product service', async () => {
  const hangUp = new AbortController()
  const asked = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (received) => {
      received.signal.addEventListener('abort', () => ended.resolve())
      asked.resolve()
      return new Promise<Response>(() => undefined)
    },
  })
  const reading = createProductClient({ url: server.url.origin, timeoutMs: 60_000 })
    .read(id, { requestId: 'r-1', signal: hangUp.signal })
    .then(
      () => 'answered',
      (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
    )
  await asked.promise
  hangUp.abort()
  expect(await reading).toBe('AbortError')
  await ended.promise
})
