import { expect, test } from 'bun:test'
import { checkReadiness } from './healthcheck.ts'

/** The exit code and the reasons for a service that answers like this. */
async function outcomeOf(answer: (request: Request) => Response, environment: Record<string, string> = {}) {
  await using server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer })
  const reasons: string[] = []
  const exitCode = await checkReadiness({ PORT: String(server.port), ...environment }, (reason) =>
    reasons.push(reason),
  )
  return { exitCode, reasons }
}

test('passes when /readyz answers 200, wherever the service listens', async () => {
  const ready = (request: Request) =>
    new Response(null, { status: new URL(request.url).pathname === '/readyz' ? 200 : 404 })
  for (const HOST of ['', '0.0.0.0', '127.0.0.1']) {
    expect(await outcomeOf(ready, { HOST })).toEqual({ exitCode: 0, reasons: [] })
  }
})

test('fails with the answer when the service is not ready, also when it would send elsewhere', async () => {
  expect(await outcomeOf(() => new Response('{"status":"starting"}', { status: 503 }))).toEqual({
    exitCode: 1,
    reasons: ['/readyz answers 503 {"status":"starting"}'],
  })
  expect((await outcomeOf(() => Response.redirect('/health'))).exitCode).toBe(1)
})

test('fails with a reason when nothing listens', async () => {
  const reasons: string[] = []
  // Of no program here, and none gets it meanwhile, as it might get a port that was free a moment ago.
  const exitCode = await checkReadiness({ PORT: '9' }, (reason) => reasons.push(reason))
  expect({ exitCode, reasons }).toEqual({
    exitCode: 1,
    reasons: [expect.stringMatching(/^\/readyz does not answer: \w+$/)],
  })
})

test('fails without PORT and names it', async () => {
  const reasons: string[] = []
  expect({ exitCode: await checkReadiness({}, (reason) => reasons.push(reason)), reasons }).toEqual({
    exitCode: 1,
    reasons: ['PORT is not set: give the container the port that its service listens on'],
  })
})
