import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, lastingPort } from '@shared/postgres/testing'
import type { Browser, Page } from 'playwright-core'
import { createObserver, type RunningConsole, serveConsole, type Target } from '../src/index.ts'
import { findBrowser, openPage, seriousViolations, startBrowser } from '../src/testing/browser/index.ts'
import { startWorld, type World } from '../src/testing/index.ts'

const program = findBrowser()

/** Nothing listens on port 1. */
const absent: Target = { name: 'orders', url: 'http://127.0.0.1:1' }

function tests(executablePath: string): void {
  let browser: Browser
  let world: World
  let server: RunningConsole

  beforeAll(async () => {
    // Callers wait for as long as they are looked at.
    const patience = {
      DATABASE_POOL_TIMEOUT: '300',
      REQUEST_TIMEOUT: '600',
    }
    world = await startWorld({ env: { DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '1', ...patience } })
    server = serveConsole({ targets: [...world.services.map(({ target }) => target), absent], port: 0 })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await world?.[Symbol.asyncDispose]()
  }, 120_000)

  const serviceOf = (name: string) => {
    const found = world.services.find(({ target }) => target.name === name)
    if (found === undefined) throw new Error(`no service ${name}`)
    return found
  }
  const names = (): string[] => world.services.map(({ target }) => target.name)
  const card = (page: Page, name: string, status: string) =>
    page.locator(`article[data-service="${name}"][data-status="${status}"]`)
  const allAre = (page: Page, status: string) =>
    Promise.all(names().map((name) => card(page, name, status).waitFor()))

  test('shows four services at one glance, on a laptop, without scrolling', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await card(page, 'orders', 'unreachable').waitFor()
    // A chart says so when it has drawn samples.
    await page
      .locator(
        'article[data-service="auth"] [aria-label^="probe latency in the last"][aria-label*="ms, highest"]',
      )
      .waitFor()
    const look = `({
      scrolls: document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth,
      summary: document.querySelector('#summary').textContent,
      cut: [...document.querySelectorAll('.frame > *, figure, article h3')]
        .filter((part) => part.getBoundingClientRect().bottom > part.closest('article').getBoundingClientRect().bottom)
        .map((part) => part.className),
      lowCharts: [...document.querySelectorAll('.plot canvas')].filter(({ clientHeight }) => clientHeight < 70).length,
      charts: document.querySelectorAll('.plot canvas').length,
      tab: document.title,
      pool: document.querySelector('[data-service=auth] .gauge').getAttribute('aria-label'),
      lamp: document.querySelector('[data-service=auth] .lamp').textContent,
    })`
    // A service that had no time for a moment is not healthy then.
    await eventually(async () =>
      expect(await page.evaluate(look)).toEqual({
        scrolls: false,
        summary: 'orders is unreachable: it does not run',
        cut: [],
        lowCharts: 0,
        charts: 24,
        tab: 'orders is unreachable',
        pool: expect.stringMatching(/^Pool: \d used and \d idle of 3, 0 of them overflow, 0 waiting$/),
        lamp: 'healthy',
      }),
    )
    expect(problems).toEqual([])
  }, 120_000)

  test('draws what can be compared on the same scale in all cards, and says each number once', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await using _occupied = await serviceOf('cart').occupy(5)
    // More than the least that is shown; how many of them wait is not said to one.
    await page.locator('[aria-label^="waiting"]:not([aria-label$="scale to 4"])').first().waitFor()
    const labels: string[] = await page
      .locator('.plot')
      .evaluateAll((plots) => plots.map((plot) => plot.getAttribute('aria-label') ?? ''))
    const scales = Map.groupBy(
      labels.map((label) => /^(.+?) in (.+): .* (scale to .+)$/.exec(label)?.slice(1) ?? [label]),
      ([title = '']) => title,
    )
    expect({
      cards: [...scales].map(([title, found]) => [title, found.length]),
      scales: [...scales].map(([, found]) => new Set(found.map((one) => one.slice(1).join())).size),
      least: scales.get('probe latency')?.[0]?.[2],
      numbers: await card(page, 'cart', 'degraded').locator('.charts b').first().textContent(),
      names: await card(page, 'cart', 'degraded').locator('figcaption, dt').allTextContents(),
      problems,
    }).toEqual({
      cards: ['used', 'waiting', 'wait p99', 'queries', 'errors', 'probe latency'].map((title) => [title, 4]),
      scales: [1, 1, 1, 1, 1, 1],
      least: expect.stringMatching(/^scale to (\d{3} ms|[\d.]+ s)$/),
      numbers: '3',
      names: [
        'idle',
        'overflow',
        'opening',
        'behind another',
        'failed in 5 min',
        'used 3 of 3',
        expect.stringMatching(/^waiting \d+$/),
        expect.stringMatching(/^wait p99 /),
        expect.stringMatching(/^queries [\d.]+\/s$/),
        expect.stringMatching(/^errors [\d.]+\/s$/),
        expect.stringMatching(/^probe latency /),
      ],
      problems: [],
    })
  }, 120_000)

  test('links to the pages of a service that need no token, in a new tab', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await card(page, 'orders', 'unreachable').waitFor()
    const links = await page
      .locator('.pages a')
      .evaluateAll((found) =>
        found.map((link) =>
          ['href', 'target', 'rel', 'aria-label'].map((name) => link.getAttribute(name)).join(' '),
        ),
      )
    const [health] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: '/health of auth' }).click(),
    ])
    const { status } = JSON.parse((await health.locator('body').textContent()) ?? '')
    expect({ links, status, dialogs: await page.getByRole('dialog').count(), problems }).toEqual({
      links: [
        ...names().map(
          (name) => `${serviceOf(name).target.url}/health _blank noopener /health of ${name}, in a new tab`,
        ),
        ...['/docs', '/health/detailed', '/metrics'].map(
          (path) => `${absent.url}${path} _blank noopener ${path} of orders, in a new tab`,
        ),
      ],
      status: 'healthy',
      dialogs: 0,
      problems: [],
    })
  }, 120_000)

  test('shows on a phone what is not healthy first, and nothing is cut', async () => {
    const viewport = { width: 390, height: 844 }
    await using opened = await openPage(browser, server.url, { viewport, isMobile: true, hasTouch: true })
    const { page, problems } = opened
    await using _occupied = await serviceOf('cart').occupy(1)
    await card(page, 'cart', 'degraded').waitFor()
    await card(page, 'orders', 'unreachable').waitFor()
    await card(page, 'auth', 'healthy')
      .locator('[aria-label^="probe latency"][aria-label*="ms, highest"]')
      .waitFor()
    const seen = await page.evaluate(`({
      order: [...document.querySelectorAll('article')]
        .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
        .map(({ dataset }) => dataset.service),
      width: document.documentElement.scrollWidth,
      cut: [...document.querySelectorAll('.top > *, h2, .open, .pages a, figcaption, .numbers div, .advice li, .events li')]
        .filter((part) => part.getBoundingClientRect().right > innerWidth || part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
        .map((part) => part.textContent),
      outside: [...document.querySelectorAll('.frame > *, figure, li')]
        .filter((part) => part.getBoundingClientRect().bottom > part.closest('article').getBoundingClientRect().bottom)
        .map((part) => part.className),
    })`)
    await page.keyboard.press('Tab')
    const focused = await page.evaluate('document.activeElement.getAttribute("aria-label")')
    const serious = await seriousViolations(page)
    expect({ seen, focused, serious, problems }).toEqual({
      seen: { order: ['orders', 'cart', 'auth', 'product'], width: 390, cut: [], outside: [] },
      focused: 'Details of orders',
      serious: [],
      problems: [],
    })
  }, 120_000)

  test('shows that PostgreSQL has stopped, and that it is back, and says both aloud', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await world.postgres.stop()
    await allAre(page, 'unhealthy')
    const reason = await page.locator('article[data-service="auth"] .reason').textContent()
    await page.locator('#summary[data-status="unhealthy"]', { hasText: '3 more' }).waitFor()
    const headline = await page.locator('#summary').textContent()
    const tab = await page.title()
    const aloud = page.getByRole('status')
    const stopped = await aloud.textContent()
    await world.postgres.restart()
    await allAre(page, 'healthy')
    const back = await aloud.textContent()
    expect({
      reason,
      headline,
      tab,
      stopped: names().filter((name) => stopped?.includes(`${name} is unhealthy. `)),
      back: names().filter((name) => back?.includes(`${name} is healthy. `)),
      problems,
    }).toEqual({
      reason: expect.stringMatching(/ECONNREFUSED|cannot be reached|has not answered/),
      headline: expect.stringMatching(
        /^auth is unhealthy: PostgreSQL does not answer( \(\w+\))?, and 3 more are not healthy: product, cart, orders$/,
      ),
      tab: 'auth is unhealthy, 3 more',
      stopped: names(),
      back: names(),
      problems: [],
    })
  }, 120_000)

  test('shows a saturated pool with its reason, and the statement that holds it in the details', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems, received } = opened
    await allAre(page, 'healthy')
    const product = page.locator('article[data-service="product"]')
    {
      await using _occupied = await serviceOf('product').occupy(2)
      await card(page, 'product', 'degraded').waitFor()
      await product.locator('figure.waiting.some').waitFor()
      // Its own numbers at first, and who holds the lock as soon as the server has been asked.
      await product.locator('.reason', { hasText: 'for a table lock on products' }).waitFor()
      await product.click({ position: { x: 300, y: 100 } })
      const dialog = page.getByRole('dialog', { name: 'product' })
      const running = dialog.locator('section section', { hasText: 'Running statements' })
      const row = running.locator('tbody tr', { hasText: 'from "products"' }).first()
      await row.waitFor()
      expect(await row.textContent()).toContain('active')
      await dialog.getByRole('button', { name: 'Close' }).click()
      await card(page, 'auth', 'healthy').waitFor()
    }
    await card(page, 'product', 'healthy').waitFor()
    expect({
      problems,
      token: received.some((text) => text.includes(serviceOf('product').target.token ?? 'none')),
    }).toEqual({ problems: [], token: false })
  }, 120_000)

  test('shows who holds a locked row, who waits for it, and that it is over', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    const service = serviceOf('product')
    const post = (path: string, body: unknown) =>
      fetch(`${service.target.url}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
    const created = await post('/products', {
      sku: `ROW-${Date.now()}`,
      name: 'Row',
      priceMinor: 1,
      currency: 'EUR',
    })
    const { id } = (await created.json()) as { id: string }
    const product = page.locator('article[data-service="product"]')
    const statuses: Promise<number>[] = []
    const observer = createObserver(service.target, { timeoutMs: 60_000 })
    const seen = async () => {
      await observer.poll()
      return observer.view().report
    }
    // What begins within a second of another incident, as of the table lock before, is taken for a part of it.
    await eventually(async () => {
      const incidents = (await seen())?.events.filter(
        ({ type }) => type === 'degraded' || type === 'recovered',
      )
      return incidents?.at(-1)?.type !== 'degraded'
    })
    const lastBefore = (await seen())?.events.at(-1)?.at ?? ''
    {
      await using _held = await service.hold(`update stock set quantity = 1 where product_id = '${id}'`)
      for (let i = 0; i < 6; i++)
        statuses.push(post(`/products/${id}/stock`, { delta: 1 }).then(({ status }) => status))
      const named = product.locator('.reason', { hasText: /for a row lock on stock.* × select "product_id"/ })
      await named.waitFor()
      // Both of one moment: they change with every report.
      const [reason, title] = await product
        .locator('.reason')
        .evaluate((shown) => [shown.textContent, shown.getAttribute('title')])
      expect(reason).toContain('application "lock"')
      expect(reason).toContain('× select "product_id", "quantity"')
      expect(title).toBe(reason)
      // Not that of the table lock before it.
      const degraded = await eventually(async () => {
        const found = (await seen())?.events.find(({ type, at }) => type === 'degraded' && at > lastBefore)
        if (found === undefined) throw new Error('it is not degraded yet')
        return found
      })
      for (const event of [degraded.detail ?? '', /blocked.* holds a row lock on stock/])
        await product.locator('.events li', { hasText: event }).waitFor()
      await eventually(async () => (await seen())?.blockages[0]?.waiting.length === 3)
      await page.getByRole('button', { name: 'Details of product' }).click()
      const dialog = page.getByRole('dialog', { name: 'product' })
      const tree = dialog.locator('section section', { hasText: 'Who blocks whom' })
      await tree.locator('tbody tr').first().waitFor()
      const rows = await tree.locator('tbody tr').allTextContents()
      expect(rows[0]).toContain('holds a row lock on stock')
      expect(rows.filter((row) => row.includes('└ waits for'))).toHaveLength(3)
      await dialog.getByRole('button', { name: 'Close' }).click()
    }
    await product.locator('.events li', { hasText: 'recovered' }).first().waitFor()
    await product.locator('.advice li', { hasText: 'waited for a row lock on stock' }).waitFor()
    expect({ problems, statuses: await Promise.all(statuses) }).toEqual({
      problems: [],
      statuses: Array(6).fill(200),
    })
  }, 120_000)

  test('shows a service that has stopped, and that it is back', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await serviceOf('cart').stop()
    await card(page, 'cart', 'unreachable').waitFor()
    expect(await page.locator('article[data-service="cart"] .reason').textContent()).toStartWith(
      'It does not run',
    )
    await serviceOf('cart').start()
    await allAre(page, 'healthy')
    expect(problems).toEqual([])
  }, 120_000)

  test('goes on without a reload when the console itself was away', async () => {
    const port = await lastingPort()
    const first = serveConsole({ targets: world.services.map(({ target }) => target), port })
    await using opened = await openPage(browser, first.url)
    const { page } = opened
    await allAre(page, 'healthy')
    await page.evaluate('window.loadedOnce = true')
    await first.stop()
    await page.locator('#stream[data-state="lost"]').waitFor()
    const second = serveConsole({ targets: [serviceOf('auth').target], port })
    try {
      await page.locator('#stream[data-state="live"]').waitFor()
      await card(page, 'auth', 'healthy').waitFor()
      await page.locator('article[data-service="cart"]').waitFor({ state: 'detached' })
      expect(await page.evaluate('window.loadedOnce')).toBe(true)
    } finally {
      await second.stop()
    }
  }, 120_000)

  test('is used by keyboard: Enter opens the details, Escape closes them and gives the focus back', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    const focused = () =>
      page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent')
    await page.keyboard.press('Tab')
    const before = await focused()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Running statements' }).waitFor()
    const inside = await focused()
    await page.keyboard.press('Tab')
    const scrollable = await focused()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect({ before, inside, scrollable, after: await focused(), problems }).toEqual({
      before: expect.stringMatching(/^Details of /),
      inside: 'Close',
      scrollable: 'Detailed report',
      after: before,
      problems: [],
    })
  }, 120_000)

  describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
    test('axe finds nothing serious, on the page and in the details', async () => {
      await using opened = await openPage(browser, server.url, { colorScheme, reducedMotion: 'reduce' })
      const { page, problems } = opened
      await using _occupied = await serviceOf('auth').occupy(1)
      await card(page, 'auth', 'degraded').waitFor()
      await card(page, 'product', 'healthy').waitFor()
      await card(page, 'orders', 'unreachable').waitFor()
      const onPage = await seriousViolations(page)
      await page.getByRole('button', { name: 'Details of auth' }).click()
      await page.getByRole('heading', { name: 'Running statements' }).waitFor()
      const inDetails = await seriousViolations(page)
      expect({ onPage, inDetails, problems }).toEqual({ onPage: [], inDetails: [], problems: [] })
      expect(
        await page.evaluate('getComputedStyle(document.querySelector(".gauge i")).transitionDuration'),
      ).toBe('0s')
    }, 120_000)
  })
}

if (program === null) {
  console.warn(
    'The browser tests of the console were not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`the console in a browser (${program})`, () => tests(program))
}
