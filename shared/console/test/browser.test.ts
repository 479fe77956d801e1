import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type RunningConsole, serveConsole, type Target } from '../src/index.ts'
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
    world = await startWorld({ env: { DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '1' } })
    server = serveConsole({ targets: [...world.services.map(({ target }) => target), absent], port: 0 })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await world?.[Symbol.asyncDispose]()
  }, 60_000)

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
        'article[data-service="auth"] [aria-label^="latency in the last 5 minutes: now"][aria-label*="ms, highest"]',
      )
      .waitFor()
    const seen = await page.evaluate(`({
      scrolls: document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth,
      summary: document.querySelector('#summary').textContent,
      cut: [...document.querySelectorAll('article > :not(.notes), article h3')]
        .filter((part) => part.getBoundingClientRect().bottom > part.closest('article').getBoundingClientRect().bottom)
        .map((part) => part.className),
      lowCharts: [...document.querySelectorAll('.plot canvas')].filter(({ clientHeight }) => clientHeight < 70).length,
      charts: document.querySelectorAll('.plot canvas').length,
      pool: document.querySelector('[data-service=auth] .gauge').getAttribute('aria-label'),
      lamp: document.querySelector('[data-service=auth] .lamp').textContent,
    })`)
    expect({ seen, problems }).toEqual({
      seen: {
        scrolls: false,
        summary: '3 of 4 healthy',
        cut: [],
        lowCharts: 0,
        charts: 16,
        pool: expect.stringMatching(/^Pool: \d used and \d idle of 3, 0 of them overflow, 0 waiting$/),
        lamp: 'healthy',
      },
      problems: [],
    })
  }, 60_000)

  test('shows that PostgreSQL has stopped, and that it is back, and says both aloud', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await allAre(page, 'healthy')
    await world.postgres.stop()
    await allAre(page, 'unhealthy')
    const reason = await page.locator('article[data-service="auth"] .reason').textContent()
    const aloud = page.getByRole('status')
    const stopped = await aloud.textContent()
    await world.postgres.restart()
    await allAre(page, 'healthy')
    const back = await aloud.textContent()
    expect({
      reason,
      stopped: names().filter((name) => stopped?.includes(`${name} is unhealthy. `)),
      back: names().filter((name) => back?.includes(`${name} is healthy. `)),
      problems,
    }).toEqual({
      reason: expect.stringMatching(/ECONNREFUSED|cannot be reached|has not answered/),
      stopped: names(),
      back: names(),
      problems: [],
    })
  }, 90_000)

  test('shows a saturated pool with its reason, and the statement that holds it in the details', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems, received } = opened
    await allAre(page, 'healthy')
    const product = page.locator('article[data-service="product"]')
    {
      await using _occupied = await serviceOf('product').occupy(2)
      await card(page, 'product', 'degraded').waitFor()
      await product.locator('.numbers .waiting.some').waitFor()
      expect(await product.locator('.reason').textContent()).toMatch(/3 connections/)
      await product.click({ position: { x: 300, y: 100 } })
      const dialog = page.getByRole('dialog', { name: 'product' })
      const row = dialog.locator('tbody tr', { hasText: 'from "products"' }).first()
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
  }, 60_000)

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
  }, 60_000)

  test('goes on without a reload when the console itself was away', async () => {
    const first = serveConsole({ targets: world.services.map(({ target }) => target), port: 0 })
    await using opened = await openPage(browser, first.url)
    const { page } = opened
    await allAre(page, 'healthy')
    await page.evaluate('window.loadedOnce = true')
    await first.stop()
    await page.locator('#stream[data-state="lost"]').waitFor()
    const second = serveConsole({ targets: [serviceOf('auth').target], port: first.port })
    try {
      await page.locator('#stream[data-state="live"]').waitFor()
      await card(page, 'auth', 'healthy').waitFor()
      await page.locator('article[data-service="cart"]').waitFor({ state: 'detached' })
      expect(await page.evaluate('window.loadedOnce')).toBe(true)
    } finally {
      await second.stop()
    }
  }, 60_000)

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
  }, 60_000)

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
    }, 60_000)
  })
}

if (program === null) {
  console.warn(
    'The browser tests of the console were not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`the console in a browser (${program})`, () => tests(program))
}
