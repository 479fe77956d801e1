import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** A page, and everything about it that should not be. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page
  /** Errors of scripts, errors on the console, and requests to any other address than this machine's. */
  readonly problems: readonly string[]
  /** Every text that the server sent, streams aside. */
  readonly received: readonly string[]
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts a headless Chromium with a profile of its own. */
export function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: flags, timeout: 60_000 })
}

/** Opens an address on a screen as laptops have it. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: 1366, height: 768 },
    // Not from the machine's LANG, which may be none that a browser knows.
    locale: 'en-GB',
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  const received: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') problems.push(`request to ${request.url()}`)
  })
  page.on('response', async (response) => {
    if (response.headers()['content-type']?.startsWith('text/event-stream')) return
    received.push(await response.text().catch(() => ''))
  })
  await page.goto(url)
  return { page, problems, received, [Symbol.asyncDispose]: () => context.close() }
}
