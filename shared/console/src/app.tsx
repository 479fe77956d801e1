/** @jsxImportSource hono/jsx */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { secureHeaders } from 'hono/secure-headers'
import { type Assets, buildAssets } from './assets.ts'
import { Page } from './page.tsx'
import { readDetails, type Target } from './read-monitor.ts'
import { streamUpdates } from './stream-updates.ts'
import type { ServiceWatch } from './watch-services.ts'

/** What the console's app needs. */
export interface ConsoleAppOptions {
  readonly targets: readonly Target[]
  readonly watch: ServiceWatch
  /** Names by which it may be called; null: any. A page elsewhere that points its own name here must not read it. */
  readonly hosts: ReadonlySet<string> | null
}

const detailsMs = 5_000

/** Creates the console's Hono app; bundles its assets at the first request for one. */
export function createConsoleApp({ targets, watch, hosts }: ConsoleAppOptions): Hono {
  const app = new Hono()
  let assets: Promise<Assets> | null = null
  const built = (): Promise<Assets> => {
    assets ??= buildAssets().catch((error) => {
      assets = null
      throw error
    })
    return assets
  }

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
      // It is served without TLS, on this machine.
      strictTransportSecurity: false,
    }),
  )
  app.use(async (c, next) => {
    if (hosts !== null && !hosts.has(new URL(c.req.url).hostname))
      return c.text('This console answers to its own address only.\n', 421)
    await next()
    c.header('Cache-Control', 'no-store')
  })

  app.get('/', (c) => c.html(html`<!doctype html>${<Page />}`))
  app.get('/console.js', async (c) =>
    c.body((await built()).script, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }),
  )
  app.get('/console.css', async (c) =>
    c.body((await built()).style, 200, { 'Content-Type': 'text/css; charset=utf-8' }),
  )
  app.get('/icon.svg', (c) => c.body(icon, 200, { 'Content-Type': 'image/svg+xml' }))
  app.get('/events', (c) => streamUpdates(c, watch))
  app.get('/services/:name', async (c) => {
    const target = targets.find(({ name }) => name === c.req.param('name'))
    if (target === undefined) return c.json({ reason: 'There is no such service.' }, 404)
    const answer = await readDetails(target, { timeoutMs: detailsMs, signal: c.req.raw.signal })
    return answer.ok ? c.json(answer.body as object) : c.json({ reason: answer.reason }, 502)
  })
  return app
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#1f6feb"/>
<path d="M3 10h2l2-5 2 7 2-4h2" fill="none" stroke="#fff" stroke-width="1.5" stroke-linejoin="round"/></svg>`
